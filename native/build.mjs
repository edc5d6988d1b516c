#!/usr/bin/env node
// Builds the patched llama.cpp and the addon out of node-llama-cpp's own package; `--help` says how.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compile } from "./build/compile.mjs";
import { distribution } from "./build/distribution.mjs";
import { BuildError } from "./build/errors.mjs";
import { buildMetadata, install, installedStamp } from "./build/install.mjs";
import { withLock } from "./build/lock.mjs";
import { binsFolder, cmakeDefinitions, parseOptions, usage, variantName } from "./build/options.mjs";
import { packageDirectory, shown, workDirectory } from "./build/paths.mjs";
import { Progress } from "./build/progress.mjs";
import { checkoutForPatching, prepareSources } from "./build/sources.mjs";
import { buildStamp, readInputs, sourceStamp } from "./build/inputs.mjs";
import { findToolchain, nodeApiIncludes } from "./build/toolchain.mjs";

const machine = { platform: process.platform, arch: process.arch };

async function main() {
  const options = parseOptions(process.argv.slice(2), machine);
  if (options.help) return void process.stdout.write(usage);
  if (process.platform === "win32")
    throw new BuildError("The native build does not support Windows yet: build under WSL.");
  if (!existsSync(packageDirectory)) throw new BuildError("node-llama-cpp is not installed: run `npm ci`.");
  if (options.checkout !== undefined) return await checkoutForPatching(path.resolve(options.checkout));

  const inputs = readInputs();
  const toolchain = findToolchain(options);
  const { release } = inputs;
  const definitions = cmakeDefinitions(options, machine, {
    release,
    includes: nodeApiIncludes(),
    ccache: toolchain.ccache,
  });
  const variant = variantName(options, machine);
  const stamp = buildStamp(inputs, definitions, toolchain, options);
  const ownBins = options.sanitizers.length > 0 || options.server;
  const folder = binsFolder(options, machine);
  const target =
    options.installTo !== undefined
      ? path.resolve(options.installTo)
      : path.join(ownBins ? path.join(workDirectory, variant) : packageDirectory, "bins", folder);
  if (!options.force && installedStamp(target) === stamp) return;

  const progress = new Progress();
  await withLock(
    path.join(workDirectory, "lock"),
    (owner) => process.stderr.write(`Waiting for the native build of process ${owner} …\n`),
    async () => {
      if (!options.force && installedStamp(target) === stamp) return;
      const sources = path.join(workDirectory, "src");
      const sourcesStamp = path.join(workDirectory, "src.stamp");
      const wanted = sourceStamp(inputs);
      if (!existsSync(sourcesStamp) || readFileSync(sourcesStamp, "utf8") !== wanted) {
        progress.phase("Unpacking and patching llama.cpp");
        const { changed } = await prepareSources(sources, path.join(workDirectory, "scratch"));
        writeFileSync(sourcesStamp, wanted);
        progress.end(`${changed} files changed`);
      }
      const buildDirectory = path.join(workDirectory, variant, "build");
      await compile({
        sources,
        directory: buildDirectory,
        definitions,
        ninja: toolchain.ninja,
        targets: ["llama-addon", ...(options.server ? ["llama-server"] : [])],
        jobs: options.jobs,
        progress,
      });
      const platform = folder.split("-")[0];
      const metadata = buildMetadata({
        gpu: options.gpu,
        platform,
        arch: machine.arch,
        distribution: distribution(),
        release,
      });
      const libraries = install({ buildDirectory, directory: target, metadata, stamp, variant });
      process.stderr.write(`Installed ${libraries.length} libraries (${variant}) into ${shown(target)}\n`);
    },
  );
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
