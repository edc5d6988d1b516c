// npm run package [-- TARGET]: makes the .vsix for a platform, this one if none is named, with the portable binary and the model.
import { cpSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { targets } from "../native/build/targets.mjs";
import { faultsOf, librariesIn } from "./support/binaries/check.mjs";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { modelToShip, stageExtension } from "./support/staging.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

const here = `${process.platform}-${process.arch}`;

await script(async () => {
  const name = process.argv[2] ?? here;
  const target = targets[name];
  if (target === undefined)
    throw new Stop(`There is no package for ${name}: choose from ${Object.keys(targets).join(", ")}.`);
  if (target.cross === undefined && name !== here)
    throw new Stop(`A package for ${name} is made on such a machine, and this is ${here}.`);
  if (target.cross !== undefined && here !== "linux-x64")
    throw new Stop(`A package for ${name} is made on Linux x64, and this is ${here}.`);

  await bootstrap({ native: false });
  const step = async (args, failure) => {
    if ((await execute(process.execPath, args, { cwd: root })) !== 0) throw new Stop(failure);
  };
  const stage = path.join(root, "dist/package", name);
  const model = modelToShip(root);
  await stageExtension({ root, stage, model });
  const bundles = ["--production", "--quiet", "--out", path.join(stage, "dist")];
  await step(["esbuild.mjs", ...bundles], "Bundling failed (see above).");
  const bins = path.join(root, "native/.build/package-bins", target.bins);
  mkdirSync(path.dirname(bins), { recursive: true });
  const build = target.cross === undefined ? ["--portable"] : ["--target", name];
  await step(["native/build.mjs", ...build, "--install-to", bins], "The portable build failed (see above).");
  if (target.cross !== undefined) {
    const faults = faultsOf(librariesIn(bins), target);
    if (faults.length > 0)
      throw new Stop(`The binaries would not load on every ${name} system:\n${faults.join("\n")}`);
  }
  cpSync(bins, path.join(stage, "node_modules/node-llama-cpp/bins", target.bins), { recursive: true });

  const { name: extension, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const file = path.join(root, `${extension}-${name}-${version}.vsix`);
  rmSync(file, { force: true });
  const vsce = path.join(root, "node_modules/@vscode/vsce/vsce");
  const what = ["--target", name, "--out", file];
  // There is no repository address to turn the README's links into yet.
  const links = ["--allow-missing-repository", "--no-rewrite-relative-links"];
  if ((await execute(process.execPath, [vsce, "package", ...what, ...links], { cwd: stage })) !== 0)
    throw new Stop("vsce failed (see above).");
  const mebibytes = (statSync(file).size / 2 ** 20).toFixed(1);
  process.stdout.write(`${path.relative(root, file)}: ${mebibytes} MiB, with ${path.basename(model)}\n`);
});
