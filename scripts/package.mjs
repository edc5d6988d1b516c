// npm run package [-- TARGET]: makes the .vsix for this platform, with the portable binary and the model. Needs no network.
import { cpSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { modelToShip, stageExtension, targets } from "./support/staging.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

const here = `${process.platform}-${process.arch}`;

await script(async () => {
  const target = process.argv[2] ?? here;
  const known = targets[target];
  if (known === undefined)
    throw new Stop(`There is no package for ${target}: choose from ${Object.keys(targets).join(", ")}.`);
  if (target !== here)
    throw new Stop(
      `A package for ${target} is made on such a machine, and this is ${here}. (It is untested.)`,
    );
  if (!known.tested)
    process.stderr.write(`Nobody has tried a package for ${target} yet: please say how it goes.\n`);

  await bootstrap();
  const step = async (args, failure) => {
    if ((await execute(process.execPath, args, { cwd: root })) !== 0) throw new Stop(failure);
  };
  const stage = path.join(root, "dist/package", target);
  const model = modelToShip(root);
  stageExtension({ root, stage, model });
  const bundles = ["--production", "--quiet", "--out", path.join(stage, "dist")];
  await step(["esbuild.mjs", ...bundles], "Bundling failed (see above).");
  const bins = path.join(root, "native/.build/package-bins", known.bins);
  mkdirSync(path.dirname(bins), { recursive: true });
  await step(
    ["native/build.mjs", "--portable", "--install-to", bins],
    "The portable build failed (see above).",
  );
  const staged = path.join(stage, "node_modules/node-llama-cpp/bins", known.bins);
  cpSync(bins, staged, { recursive: true });

  const { name, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const file = path.join(root, `${name}-${target}-${version}.vsix`);
  rmSync(file, { force: true });
  const vsce = path.join(root, "node_modules/@vscode/vsce/vsce");
  const what = ["--target", target, "--out", file];
  // There is no repository address to turn the README's links into yet.
  const links = ["--allow-missing-repository", "--no-rewrite-relative-links"];
  if ((await execute(process.execPath, [vsce, "package", ...what, ...links], { cwd: stage })) !== 0)
    throw new Stop("vsce failed (see above).");
  const mebibytes = (statSync(file).size / 2 ** 20).toFixed(1);
  process.stdout.write(`${path.relative(root, file)}: ${mebibytes} MiB, with ${path.basename(model)}\n`);
});
