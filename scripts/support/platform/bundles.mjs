import { readFileSync } from "node:fs";
import path from "node:path";

/**
 * Bundles TypeScript for a Node that cannot run esbuild's own binary, as tsx would have to: a file for each entry, and what they share.
 * @param {string} root of the repository, in which the bundles are run, too
 * @param {string[]} entryPoints relative to it
 * @param {string} outdir
 */
export async function bundleFor(root, entryPoints, outdir) {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints,
    outbase: root,
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "warning",
    plugins: [{ name: "place", setup: ({ onLoad }) => onLoad({ filter: /\.ts$/ }, keepPlace(root)) }],
  });
}

/** Sources that find files beside them find those of the sources, by whatever name another system has for the folder. */
const keepPlace =
  (root) =>
  ({ path: file }) => {
    const place = JSON.stringify(path.relative(root, file));
    const node = (name) => `process.getBuiltinModule("node:${name}")`;
    const contents = readFileSync(file, "utf8")
      .replaceAll("import.meta.dirname", `${node("path")}.dirname(${node("path")}.resolve(${place}))`)
      .replaceAll("import.meta.url", `${node("url")}.pathToFileURL(${place}).href`);
    return { contents, loader: "ts" };
  };
