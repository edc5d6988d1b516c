// npm run test:platform -- TARGET [engine] [native] [unit] [-- MOCHA…]: runs what `npm run package -- TARGET` made, as near to the target as this machine gets:
// the engine by the extension's own client, the native tests in it, and the unit tests in its Node; without a name, all of them.
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { workDirectory } from "../native/build/paths.mjs";
import { targets } from "../native/build/targets.mjs";
import { faultsOf, librariesIn } from "./support/binaries/check.mjs";
import { root } from "./support/bootstrap.mjs";
import { bundleFor } from "./support/platform/bundles.mjs";
import { unpackedPackage } from "./support/platform/package.mjs";
import { runners } from "./support/platform/runners.mjs";
import { script, Stop } from "./support/steps.mjs";

const PARTS = ["engine", "native", "unit"];
const here = `${process.platform}-${process.arch}`;

/** This machine is the target. */
const own = () => ({ command: [process.execPath], env: {}, how: "here", notShown: [] });

/** Paths of the tests in a folder of the repository, and in those below it. */
const testsIn = (folder, { recursive = true } = {}) =>
  readdirSync(path.join(root, folder), { recursive })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => path.join(folder, name));

await script(async () => {
  const name = process.argv[2] ?? here;
  if (targets[name] === undefined)
    throw new Stop(`There is no package for ${name}: choose from ${Object.keys(targets).join(", ")}.`);
  const words = process.argv.slice(3);
  const end = words.indexOf("--");
  const [named, forMocha] = end < 0 ? [words, []] : [words.slice(0, end), words.slice(end + 1)];
  const unknown = named.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new Stop(`There is no part ${unknown}: choose from ${PARTS.join(", ")}.`);
  const chosen = named.length === 0 ? PARTS : named;
  const runnerOf = here === "linux-x64" ? runners[name] : name === here ? own : undefined;
  if (runnerOf === undefined) throw new Stop(`A package for ${name} cannot be run on ${here}.`);
  const directory = path.join(workDirectory, "platform");
  const scratch = path.join(directory, name);
  rmSync(scratch, { recursive: true, force: true });
  const folder = await unpackedPackage(name, scratch);
  const { command, standIn, emulated, env, how, notShown } = await runnerOf(directory);
  const bins = path.join(folder, "node_modules/node-llama-cpp/bins", targets[name].bins);
  const faults = targets[name].cross === undefined ? [] : faultsOf(librariesIn(bins), targets[name]);
  for (const fault of faults) process.stdout.write(`${fault}\n`);

  await bundleFor(root, ["test/platform/driver.ts"], scratch);
  // Those find the package's node-llama-cpp; what lies in folders below is for builds of this machine.
  await bundleFor(root, testsIn("native/test", { recursive: false }), folder);
  await bundleFor(root, [...testsIn("src"), ...testsIn("test/unit")], path.join(scratch, "unit"));

  /** Into a file: to Node under wine, other systems' pipes and sockets are no output. */
  const node = (args, cwd) => {
    const log = path.join(scratch, "log");
    const output = openSync(log, "w");
    const { status } = spawnSync(command[0], [...command.slice(1), ...args], {
      cwd,
      env: { ...process.env, ...env, ...(standIn ? asNode(command, scratch) : {}) },
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    process.stdout.write(readFileSync(log));
    return status ?? 1;
  };
  process.stdout.write(`Running the package for ${name} ${how}\n`);
  const mocha = (cwd, specs) => {
    // A test that runs out of time is disposed of while its threads compute, which ends the process with signal 11.
    const limit = emulated
      ? ["--timeout", "0", "--require", path.join(root, "test/platform/patient.cjs")]
      : ["--timeout", "600000"];
    const options = ["--no-config", ...limit, "--exit", "--fail-zero", "--reporter", "dot"];
    const files = path.relative(cwd, path.join(specs, "**/*.test.mjs")).split(path.sep).join("/");
    return node([path.join(root, "node_modules/mocha/bin/_mocha"), ...options, ...forMocha, files], cwd);
  };
  const parts = {
    engine: () =>
      node([path.join(scratch, "test/platform/driver.mjs"), folder, path.join(scratch, "work")], scratch),
    native: () => mocha(folder, path.join(folder, "native/test")),
    unit: () => mocha(root, path.join(scratch, "unit")),
  };
  const codes = [];
  for (const part of chosen) {
    process.stdout.write(`\n── ${part} ──\n`);
    codes.push(parts[part]());
  }
  for (const what of notShown) process.stdout.write(`Not shown: ${what}.\n`);
  return faults.length > 0 ? 1 : Math.max(...codes);
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
