#!/usr/bin/env node
// Bundles what runs into dist/: `node esbuild.mjs [--watch] [--quiet] [--production [--out DIR]]`.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { context } from "esbuild";

const root = import.meta.dirname;
const production = process.argv.includes("--production");
const watch = process.argv.includes("--watch");
const quiet = process.argv.includes("--quiet");
const out = process.argv.includes("--out") ? process.argv[process.argv.indexOf("--out") + 1] : "dist";

const node = { platform: "node", target: "node20" };
// node-llama-cpp finds its binaries by its own place in node_modules: it cannot be bundled.
const esm = { ...node, format: "esm", external: ["node-llama-cpp"] };
const cjs = {
  ...node,
  format: "cjs",
  external: ["vscode", "node-llama-cpp", "mocha"],
  // Its main file finds its parts in a way that no bundler sees.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
};

/** In a script, packages of the older module system find Node's own modules by this. */
const withRequire = `import { createRequire as requireFrom } from "node:module";
const require = requireFrom(import.meta.url);`;

/** Entry points: source, output, options. One that does not exist is left out. */
const entries = [
  ["src/extension.ts", "extension.cjs", cjs],
  ["src/engine/host.ts", "engine-host.mjs", esm],
  ["src/cli/main.ts", "cli.mjs", { ...esm, banner: { js: `#!/usr/bin/env node\n${withRequire}` } }],
  ...children("media", /^main\.ts$/).map(({ folder, file }) => [
    file,
    `media/${folder}.js`,
    { platform: "browser", target: "chrome128", format: "iife" },
  ]),
  ...(production
    ? []
    : [
        ["src/bench/main.ts", "bench.mjs", { ...esm, banner: { js: withRequire } }],
        ...list("test/host", /\.ts$/).map((name) => [
          `test/host/${name}`,
          `test/host/${name.replace(/\.ts$/, ".cjs")}`,
          cjs,
        ]),
      ]),
].filter(([source]) => existsSync(path.join(root, source)));

function list(folder, pattern) {
  const directory = path.join(root, folder);
  return existsSync(directory) ? readdirSync(directory).filter((name) => pattern.test(name)) : [];
}

/** Grammars that src/syntax reads at run time, and tree-sitter's runtime: a script, which in a package of modules is called .cjs. */
const grammars = [
  "bash",
  "c-sharp",
  "cpp",
  "css",
  "go",
  "java",
  "javascript",
  "php",
  "python",
  "ruby",
  "rust",
  "tsx",
  "typescript",
];

function copyGrammars() {
  const from = path.join(root, "node_modules/@vscode/tree-sitter-wasm/wasm");
  const to = path.resolve(root, out, "grammars");
  mkdirSync(to, { recursive: true });
  copyFileSync(path.join(from, "../LICENSE"), path.join(to, "LICENSE"));
  copyFileSync(path.join(from, "tree-sitter.js"), path.join(to, "tree-sitter.cjs"));
  for (const name of ["tree-sitter", ...grammars.map((grammar) => `tree-sitter-${grammar}`)])
    copyFileSync(path.join(from, `${name}.wasm`), path.join(to, `${name}.wasm`));
}

/** Files whose name matches, one folder below `parent`. */
function children(parent, pattern) {
  return list(parent, /^[^.]+$/).flatMap((folder) =>
    list(path.join(parent, folder), pattern).map((name) => ({
      folder,
      file: path.join(parent, folder, name),
    })),
  );
}

const started = Date.now();
copyGrammars();
const contexts = await Promise.all(
  entries.map(([source, outfile, options]) =>
    context({
      ...options,
      absWorkingDir: root,
      entryPoints: [source],
      outfile: path.join(out, outfile),
      bundle: true,
      sourcemap: !production,
      sourcesContent: false,
      minify: production,
      logLevel: watch ? "info" : "warning",
    }),
  ),
);
try {
  if (watch) await Promise.all(contexts.map((one) => one.watch()));
  else {
    await Promise.all(contexts.map((one) => one.rebuild()));
    const cli = path.resolve(root, out, "cli.mjs");
    if (existsSync(cli)) chmodSync(cli, 0o755);
    const names = entries.map(([, outfile]) => outfile).join(", ");
    if (!quiet) process.stdout.write(`Bundled ${names || "nothing yet"} in ${Date.now() - started} ms\n`);
  }
} catch (error) {
  // esbuild has printed what is wrong where.
  if (error.errors === undefined) throw error;
  process.exitCode = 1;
} finally {
  if (!watch) await Promise.all(contexts.map((one) => one.dispose()));
}
