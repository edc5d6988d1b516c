import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { BuildError } from "./errors.mjs";

const stampFile = "_lacunaBuild.json";
const isLibrary = (name) => /\.(so|dylib|dll|metal|node)$/.test(name);

/** The stamp of what is installed in `directory`, or undefined. */
export function installedStamp(directory) {
  try {
    return JSON.parse(readFileSync(path.join(directory, stampFile), "utf8")).stamp;
  } catch {
    return undefined;
  }
}

/**
 * `_nlcBuildMetadata.json`, without which node-llama-cpp does not look at a binary.
 * @param {{ gpu: string | false, platform: string, arch: string, distribution: { name: string, version: string }, release: string }} build
 */
export const buildMetadata = ({ gpu, platform, arch, distribution, release }) => ({
  buildOptions: {
    customCmakeOptions: {},
    progressLogs: true,
    platform,
    platformInfo: distribution,
    arch,
    gpu,
    llamaCpp: { repo: "ggml-org/llama.cpp", release },
  },
});

/**
 * Replaces `directory` by what was built: either all of it or nothing. A running process keeps the files that it has open.
 * @param {{ buildDirectory: string, directory: string, metadata: object, stamp: string, variant: string }} install
 * @returns {string[]} names of the installed libraries
 */
export function install({ buildDirectory, directory, metadata, stamp, variant }) {
  const libraries = [buildDirectory, path.join(buildDirectory, "bin")]
    .filter((place) => existsSync(place))
    .flatMap((place) => readdirSync(place).map((name) => path.join(place, name)))
    .filter((file) => isLibrary(file));
  if (!libraries.some((file) => path.basename(file) === "llama-addon.node"))
    throw new BuildError(`The build made no llama-addon.node in ${buildDirectory}.`);
  const fresh = `${directory}.new-${process.pid}`;
  const old = `${directory}.old-${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  for (const file of libraries) copyFileSync(file, path.join(fresh, path.basename(file)));
  writeFileSync(path.join(fresh, "_nlcBuildMetadata.json"), JSON.stringify(metadata));
  writeFileSync(path.join(fresh, stampFile), `${JSON.stringify({ stamp, variant })}\n`);
  if (existsSync(directory)) renameSync(directory, old);
  renameSync(fresh, directory);
  rmSync(old, { recursive: true, force: true });
  return libraries.map((file) => path.basename(file)).sort();
}
