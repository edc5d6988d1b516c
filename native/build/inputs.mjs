import { readFileSync } from "node:fs";
import path from "node:path";
import { packageDirectory, root } from "./paths.mjs";
import {
  addonFiles,
  addonSeries,
  bundle,
  llamaSeries,
  ourAddon,
  packagedParts,
  upstreamPatchList,
} from "./sources.mjs";
import { hashesUnder, sha256, stampOf } from "./stamp.mjs";

const hashOf = (file) => sha256(readFileSync(file));

/**
 * Everything in files that a build depends on.
 * @returns {{ release: string, sources: Record<string, string>, build: Record<string, string> }} `sources`: what the source
 * tree is made of; `build`: what else decides
 */
export function readInputs() {
  const llama = path.join(packageDirectory, "llama");
  const version = JSON.parse(readFileSync(path.join(packageDirectory, "package.json"), "utf8")).version;
  const release = JSON.parse(readFileSync(path.join(llama, "llama.cpp.info.json"), "utf8")).tag;
  const wanted = new Set(addonFiles());
  const ours = path.join(root, "native");
  return {
    release,
    sources: {
      version,
      release,
      bundle: hashOf(bundle),
      upstreamPatchList: hashOf(upstreamPatchList),
      ...hashesUnder("packaged", llama, (file) => packagedParts.includes(file.split("/")[0])),
      ...hashesUnder("upstream", path.join(llama, "patches")),
      ...hashesUnder("patches/llama.cpp", llamaSeries),
      ...hashesUnder("patches/addon", addonSeries),
      ...hashesUnder("addon", ourAddon, (file) => wanted.has(file)),
      // Only these decide what the tree holds.
      ...Object.fromEntries(
        ["sources.mjs", "series.mjs"].map((name) => [name, hashOf(path.join(ours, "build", name))]),
      ),
    },
    build: {
      "build.mjs": hashOf(path.join(ours, "build.mjs")),
      ...hashesUnder("build", path.join(ours, "build"), (file) => !/(^testing|\.test)\.mjs$/.test(file)),
    },
  };
}

/** Changes whenever the source tree would. */
export const sourceStamp = (inputs) => stampOf(inputs.sources);

/** What of the processor a build depends on: a binary for distribution does not depend on this machine's. */
export const processorOf = (toolchain, { portable }) => (portable ? "" : toolchain.processor);

/**
 * Changes whenever the binary could.
 * @param {ReturnType<typeof readInputs>} inputs
 * @param {Map<string, string>} definitions
 * @param {import("./toolchain.mjs").Toolchain} toolchain
 * @param {{ portable: boolean }} options
 */
export const buildStamp = (inputs, definitions, toolchain, options) =>
  stampOf({
    ...inputs.sources,
    ...inputs.build,
    definitions: JSON.stringify([...definitions]),
    compiler: toolchain.compiler,
    processor: processorOf(toolchain, options),
  });
