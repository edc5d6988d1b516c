// npm run test:platform -- TARGET: runs what `npm run package -- TARGET` made, on this machine, as near to the target as it gets.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { workDirectory } from "../native/build/paths.mjs";
import { targets } from "../native/build/targets.mjs";
import { faultsOf, librariesIn } from "./support/binaries/check.mjs";
import { root } from "./support/bootstrap.mjs";
import { runners } from "./support/platform/runners.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

const here = `${process.platform}-${process.arch}`;

/** This machine is the target. */
const own = () => ({ command: [process.execPath], env: {}, how: "here", notShown: [] });

await script(async () => {
  const name = process.argv[2] ?? here;
  if (targets[name] === undefined)
    throw new Stop(`There is no package for ${name}: choose from ${Object.keys(targets).join(", ")}.`);
  const runnerOf = here === "linux-x64" ? runners[name] : name === here ? own : undefined;
  if (runnerOf === undefined) throw new Stop(`A package for ${name} cannot be run on ${here}.`);
  const { name: extension, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const vsix = path.join(root, `${extension}-${name}-${version}.vsix`);
  if (!existsSync(vsix))
    throw new Stop(`${path.basename(vsix)} is missing: run \`npm run package -- ${name}\`.`);

  const directory = path.join(workDirectory, "platform");
  const scratch = path.join(directory, name);
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const { command, standIn, env, how, notShown } = await runnerOf(directory);
  // GNU tar reads no zip; everybody else's does.
  const unpack =
    process.platform === "linux" ? ["python3", "-m", "zipfile", "-e", vsix, "."] : ["tar", "-xf", vsix];
  if ((await execute(unpack[0], unpack.slice(1), { cwd: scratch })) !== 0)
    throw new Stop("The package cannot be unpacked (see above).");
  const folder = path.join(scratch, "extension");
  const bins = path.join(folder, "node_modules/node-llama-cpp/bins", targets[name].bins);
  const faults = targets[name].cross === undefined ? [] : faultsOf(librariesIn(bins), targets[name]);
  for (const fault of faults) process.stdout.write(`${fault}\n`);

  const driver = path.join(scratch, "driver.mjs");
  await build({
    entryPoints: [path.join(root, "test/platform/driver.ts")],
    outfile: driver,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["node-llama-cpp"],
    logLevel: "warning",
  });
  process.stdout.write(`Running ${path.basename(vsix)} ${how}\n`);
  // Into a file: to Node under wine, other systems' pipes and sockets are no output.
  const log = path.join(scratch, "log");
  const output = openSync(log, "w");
  const { status } = spawnSync(
    command[0],
    [...command.slice(1), driver, folder, path.join(scratch, "work")],
    {
      cwd: scratch,
      env: { ...process.env, ...env, ...(standIn ? asNode(command, scratch) : {}) },
      stdio: ["ignore", output, output],
    },
  );
  closeSync(output);
  process.stdout.write(readFileSync(log));
  for (const what of notShown) process.stdout.write(`Not shown: ${what}.\n`);
  return faults.length > 0 ? 1 : (status ?? 1);
});

/**
 * By its own name Node starts other processes of itself: a script takes the name's place, in every Node that is started.
 * @returns {NodeJS.ProcessEnv}
 */
function asNode(command, scratch) {
  const stand = path.join(scratch, "node");
  writeFileSync(stand, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`);
  chmodSync(stand, 0o755);
  const preload = path.join(scratch, "exec-path.cjs");
  writeFileSync(preload, `process.execPath = ${JSON.stringify(stand)};\n`);
  return { NODE_OPTIONS: `--require=${preload}` };
}
