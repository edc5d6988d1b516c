#!/usr/bin/env node
// Builds the patched llama.cpp and the addon out of node-llama-cpp's own package; `--help` says how.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compile } from "./build/compile.mjs";
import { distribution } from "./build/distribution.mjs";
import { BuildError } from "./build/errors.mjs";
import { buildMetadata, install, installedStamp } from "./build/install.mjs";
import { withLock } from "./build/lock.mjs";
import {
  binsFolder,
  cmakeDefinitions,
  machineFor,
  parseOptions,
  usage,
  variantName,
} from "./build/options.mjs";
import { nodeApiFunctions, nodeApiStubs } from "./build/nodeApi.mjs";
import { packageDirectory, shown, workDirectory } from "./build/paths.mjs";
import { Progress } from "./build/progress.mjs";
import { buildServer } from "./build/server.mjs";
import { checkoutForPatching, prepareSources } from "./build/sources.mjs";
import { buildStamp, processorOf, readInputs, sourceStamp } from "./build/inputs.mjs";
import { targets } from "./build/targets.mjs";
import { findToolchain, nodeApiIncludes } from "./build/toolchain.mjs";
import { zigFor } from "./build/zig.mjs";

const here = { platform: process.platform, arch: process.arch };

async function main() {
  const options = parseOptions(process.argv.slice(2), here);
  const machine = machineFor(options, here);
  if (options.help) return void process.stdout.write(usage);
  if (process.platform === "win32")
    throw new BuildError(
      "The native build does not run on Windows: build under WSL (`--target win32-x64` for Windows itself).",
    );
  if (!existsSync(packageDirectory)) throw new BuildError("node-llama-cpp is not installed: run `npm ci`.");
  if (options.checkout !== undefined) return await checkoutForPatching(path.resolve(options.checkout));

  const progress = new Progress();
  const toolchain = findToolchain(options);
  if (options.target !== undefined) Object.assign(toolchain, await zigFor(targets[options.target], progress));
  if (options.server)
    return await buildServer({
      toolchain,
      jobs: options.jobs,
      force: options.force,
      progress,
    });
  const variant = variantName(options, machine);
  const folder = binsFolder(options, machine);
  const own = path.join(workDirectory, variant);
  const keepsBins = options.sanitizers.length > 0;
  const target = path.resolve(
    options.installTo ?? path.join(keepsBins ? own : packageDirectory, "bins", folder),
  );

  const nodeApi = machine.platform === "win32" ? path.join(own, "node-api.c") : undefined;
  /** What a build made now would be made of. */
  const plan = () => {
    const inputs = readInputs();
    const definitions = cmakeDefinitions(options, machine, {
      release: inputs.release,
      includes: nodeApiIncludes(),
      ccache: toolchain.ccache,
      tools: toolchain.tools,
      nodeApi,
    });
    return { inputs, definitions, stamp: buildStamp(inputs, definitions, toolchain, options) };
  };
  const unchanged = () => !options.force && installedStamp(target) === plan().stamp;
  if (unchanged()) return;

  const waiting = (owner) => process.stderr.write(`Waiting for the native build of process ${owner} …\n`);
  await withLock(path.join(workDirectory, `${variant}.lock`), waiting, async () => {
    if (unchanged()) return;
    const build = {
      sources: path.join(workDirectory, "src"),
      directory: path.join(own, "build"),
      toolchain: { compiler: toolchain.compiler, processor: processorOf(toolchain, options) },
      env: toolchain.env,
      ninja: toolchain.ninja,
      targets: ["llama-addon"],
      jobs: options.jobs,
      progress,
    };
    if (nodeApi !== undefined) writeWhenChanged(nodeApi, nodeApiStubs(nodeApiFunctions()));
    // Builds of other kinds share the sources: one that has changed them meanwhile makes this one start over.
    let planned;
    do {
      planned = plan();
      await withLock(path.join(workDirectory, "src.lock"), waiting, () => unpack(planned.inputs, progress));
      await compile({ ...build, definitions: planned.definitions });
    } while (unpacked() !== sourceStamp(planned.inputs));
    const metadata = buildMetadata({
      gpu: options.gpu,
      platform: folder.split("-")[0],
      arch: machine.arch,
      distribution: options.target === undefined ? distribution() : { name: "Unknown", version: "" },
      release: planned.inputs.release,
    });
    const { stamp } = planned;
    const libraries = install({
      buildDirectory: build.directory,
      directory: target,
      metadata,
      stamp,
      variant,
    });
    process.stderr.write(`Installed ${libraries.length} libraries (${variant}) into ${shown(target)}\n`);
  });
}

function writeWhenChanged(file, text) {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const unpackedStamp = path.join(workDirectory, "src.stamp");
const unpacked = () => (existsSync(unpackedStamp) ? readFileSync(unpackedStamp, "utf8") : undefined);

/** Brings the source tree up to date. */
async function unpack(inputs, progress) {
  const wanted = sourceStamp(inputs);
  if (unpacked() === wanted) return;
  progress.phase("Unpacking and patching llama.cpp");
  // Until it is whole, the tree is nobody's.
  rmSync(unpackedStamp, { force: true });
  const { changed } = await prepareSources(
    path.join(workDirectory, "src"),
    path.join(workDirectory, "scratch"),
  );
  writeFileSync(unpackedStamp, wanted);
  progress.end(`${changed} files changed`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
