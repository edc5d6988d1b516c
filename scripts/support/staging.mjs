import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { Stop } from "./steps.mjs";

/**
 * VS Code's names of platforms → node-llama-cpp's folder for the binary. `tested`: somebody has run a package of it.
 * @type {Record<string, { bins: string, tested: boolean }>}
 */
export const targets = {
  "linux-x64": { bins: "linux-x64", tested: true },
  "linux-arm64": { bins: "linux-arm64", tested: false },
  "darwin-arm64": { bins: "mac-arm64-metal", tested: false },
  "darwin-x64": { bins: "mac-x64", tested: false },
};

/** Packages that node-llama-cpp uses only to compile: npm wants to see their package.json, nobody their contents. */
const buildOnly = ["cmake-js", "node-addon-api", "node-api-headers"];

/** What of a dependency nothing reads when Lacuna runs, by path relative to `node_modules`. */
const unused = [
  /\.(map|d\.[cm]?ts|ts|tsbuildinfo|h|gyp|gypi|markdown)$/i,
  /(^|\/)(readme|changelog|history|contributing)(\.[^/]*)?$/i,
  /(^|\/)(tests?|docs?|examples?|\.github)\//,
  /^node-llama-cpp\/llama\/(gitRelease\.bundle|addon\/|cmake\/|patches\/|profiles\/|toolchains\/|xpack\/|CMakeLists\.txt)/,
  /^node-llama-cpp\/(templates|bins)\//,
];

/** @param {string} file relative to `node_modules`, with forward slashes */
export function ships(file) {
  const innermost = file.split("/node_modules/").at(-1);
  const name = innermost.startsWith("@")
    ? innermost.split("/").slice(0, 2).join("/")
    : innermost.split("/")[0];
  if (buildOnly.includes(name)) return innermost === `${name}/package.json`;
  return !unused.some((pattern) => pattern.test(innermost));
}

/**
 * Folders of the packages that run in the product: no development tools, nothing optional.
 * @param {{ packages: Record<string, { dev?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean }> }} lock
 * @returns {string[]} relative to the repository
 */
export const runtimePackages = (lock) =>
  Object.entries(lock.packages)
    .filter(([place]) => place.startsWith("node_modules/"))
    .filter(
      ([, { dev, optional, devOptional, peer, link }]) => !(dev || optional || devOptional || peer || link),
    )
    .map(([place]) => place);

/** The manifest of the package: what only developers need is left out. */
export function packagedManifest(manifest) {
  const { devDependencies, scripts, overrides, private: isPrivate, bin, ...rest } = manifest;
  return { ...rest, dependencies: { "node-llama-cpp": manifest.dependencies["node-llama-cpp"] } };
}

/** The model that ships. */
export function modelToShip(root) {
  const directory = path.join(root, "media/model");
  const models = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".gguf")) : [];
  const chosen = models.find((name) => name.includes("Q8_0")) ?? models[0];
  if (chosen === undefined) throw new Stop("There is no model in media/model: see training/README.md.");
  return path.join(directory, chosen);
}

/**
 * Copies exactly what ships into `stage`, apart from the bundles and the native binary.
 * @param {{ root: string, stage: string, model: string }} options
 */
export function stageExtension({ root, stage, model }) {
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  const json = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8"));
  writeFileSync(
    path.join(stage, "package.json"),
    `${JSON.stringify(packagedManifest(json("package.json")), null, 2)}\n`,
  );
  for (const file of ["README.md", "CHANGELOG.md", "LICENSE", ".vscodeignore"])
    cpSync(path.join(root, file), path.join(stage, file));
  const copyTree = (from, to, keep) =>
    cpSync(path.join(root, from), path.join(stage, to), {
      recursive: true,
      dereference: true,
      filter: (source) =>
        statSync(source).isDirectory() || keep(path.relative(root, source).split(path.sep).join("/")),
    });
  copyTree("media", "media", (file) => !/\.(ts|gguf)$/.test(file));
  mkdirSync(path.join(stage, "media/model"), { recursive: true });
  cpSync(model, path.join(stage, "media/model", path.basename(model)));
  for (const place of runtimePackages(json("node_modules/.package-lock.json"))) {
    const nested = path.join(root, place, "node_modules");
    cpSync(path.join(root, place), path.join(stage, place), {
      recursive: true,
      filter: (source) =>
        source !== nested &&
        (statSync(source).isDirectory() ||
          ships(path.relative(path.join(root, "node_modules"), source).split(path.sep).join("/"))),
    });
  }
}
