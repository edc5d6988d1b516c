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

/** What of a dependency nothing reads when Lacuna runs, by path relative to `node_modules`. */
const unused = [
  /\.(map|d\.[cm]?ts|ts|tsbuildinfo|h|gyp|gypi|markdown|g?bnf|gif)$/i,
  /(^|\/)(\.[^/]*|yarn\.lock|Makefile|tsconfig\.json)$/,
  /(^|\/)(readme|changelog|history|contributing)(\.[^/]*)?$/i,
  /(^|\/)(tests?|docs?|examples?|\.github)\//,
  /^node-llama-cpp\/llama\/(gitRelease\.bundle|addon\/|cmake\/|patches\/|profiles\/|toolchains\/|xpack\/|CMakeLists\.txt)/,
  /^node-llama-cpp\/(templates|bins)\//,
];

const packageOf = (file) => /^(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(file)[0];

/**
 * Files that node-llama-cpp's main file and its test of a binary, which runs in a process of its own, may load: not those of its command line, nor of
 * what it compiles with.
 * @param {string} root
 * @returns {Promise<Set<string>>} relative to `node_modules`
 */
export async function reachedFiles(root) {
  const modules = path.join(root, "node_modules");
  // In a fresh clone it is there only now.
  const { build } = await import("esbuild");
  const { metafile } = await build({
    absWorkingDir: modules,
    entryPoints: ["index.js", "bindings/utils/testBindingBinary.js"].map(
      (name) => `node-llama-cpp/dist/${name}`,
    ),
    outdir: "unwritten",
    write: false,
    bundle: true,
    metafile: true,
    platform: "node",
    format: "esm",
    loader: { ".node": "empty" },
    external: ["@node-llama-cpp/*"],
    logLevel: "error",
  });
  return new Set(Object.keys(metafile.inputs));
}

/**
 * @param {string} file relative to `node_modules`, with forward slashes
 * @param {Set<string>} reached see {@link reachedFiles}
 */
export function ships(file, reached) {
  const name = packageOf(file);
  // Without it npm, which vsce asks, misses the package.
  if (file === `${name}/package.json`) return true;
  if (unused.some((pattern) => pattern.test(file.split("/node_modules/").at(-1)))) return false;
  if (name === "node-llama-cpp" && file.endsWith(".js")) return reached.has(file);
  return [...reached].some((one) => packageOf(one) === name);
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
export async function stageExtension({ root, stage, model }) {
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  const json = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8"));
  writeFileSync(
    path.join(stage, "package.json"),
    `${JSON.stringify(packagedManifest(json("package.json")), null, 2)}\n`,
  );
  for (const file of ["README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "SUPPORT.md", ".vscodeignore"])
    cpSync(path.join(root, file), path.join(stage, file));
  const copyTree = (from, to, keep) =>
    cpSync(path.join(root, from), path.join(stage, to), {
      recursive: true,
      dereference: true,
      filter: (source) =>
        statSync(source).isDirectory() || keep(path.relative(root, source).split(path.sep).join("/")),
    });
  copyTree("media", "media", (file) => !/\.(ts|gguf|svg)$|tsconfig/.test(file));
  mkdirSync(path.join(stage, "media/model"), { recursive: true });
  cpSync(model, path.join(stage, "media/model", path.basename(model)));
  const reached = await reachedFiles(root);
  for (const place of runtimePackages(json("node_modules/.package-lock.json"))) {
    const nested = path.join(root, place, "node_modules");
    cpSync(path.join(root, place), path.join(stage, place), {
      recursive: true,
      filter: (source) =>
        source !== nested &&
        (statSync(source).isDirectory() ||
          ships(path.relative(path.join(root, "node_modules"), source).split(path.sep).join("/"), reached)),
    });
  }
}
