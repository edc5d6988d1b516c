import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { BuildError } from "./errors.mjs";
import { packageDirectory, root, shown } from "./paths.mjs";
import { run, withoutRepository } from "./run.mjs";
import { applyPatch, applyUnlessThere, patchesIn, upstreamPatchNames } from "./series.mjs";
import { filesUnder } from "./stamp.mjs";

const llama = path.join(packageDirectory, "llama");
export const bundle = path.join(llama, "gitRelease.bundle");
export const upstreamPatchList = path.join(
  packageDirectory,
  "dist/bindings/utils/applyLlamaCppRepoPatches.js",
);
export const ourAddon = path.join(root, "native/addon");
export const llamaSeries = path.join(root, "native/patches/llama.cpp");
export const addonSeries = path.join(root, "native/patches/addon");

/** What of node-llama-cpp's `llama/` takes part in a build. */
export const packagedParts = ["CMakeLists.txt", "addon", "cmake", "profiles", "toolchains"];

const isSource = (file) => /\.(cpp|cc|c|h|hpp|inc|txt|cmake|cu|cuh|metal|comp)$/.test(file);
/** Our files that are compiled into the addon. */
export const addonFiles = () => filesUnder(ourAddon, isSource);

/** Of our series, what repairs llama.cpp on some machines: rivals get it too, so that they run there. */
export const repairs = ["0008-ggml-cpu-write-the-amx-tile-configuration.patch"].map((name) =>
  path.join(llamaSeries, name),
);

// Three quarters of llama.cpp's tree, of which nothing is compiled here.
const unused = ["benches", "docs", "examples", "media", "models", "tests"];

/** Runs git on what its arguments name, and nothing else. */
export async function git(...args) {
  const { code, lines } = await run("git", args, { env: withoutRepository(process.env) });
  if (code !== 0) throw new BuildError(`git ${args[0]} failed: ${lines.at(-1) ?? "no output"}`);
}

/** llama.cpp as node-llama-cpp bundles it, with a `.git` of one commit. */
async function cloneBundle(directory) {
  rmSync(directory, { recursive: true, force: true });
  await git("clone", "--quiet", "--no-checkout", bundle, directory);
}

/** llama.cpp as it was released, with the {@link repairs}, without its `.git`. */
export async function checkoutStock(directory) {
  await cloneBundle(directory);
  await git("-C", directory, "checkout", "--quiet", "HEAD", "--", ".", ...unused.map((name) => `:!${name}`));
  rmSync(path.join(directory, ".git"), { recursive: true });
  for (const patch of repairs) await applyPatch(directory, patch);
}

const upstreamPatches = () =>
  upstreamPatchNames(readFileSync(upstreamPatchList, "utf8")).map((name) =>
    path.join(llama, "patches", name),
  );

/**
 * Makes `directory` a copy of `from` and touches only files whose content differs, so that nothing else is compiled again.
 * @returns {{ changed: number, removed: number }}
 */
export function syncTree(from, directory) {
  const wanted = filesUnder(from);
  const keep = new Set(wanted);
  let changed = 0;
  let removed = 0;
  for (const file of filesUnder(directory)) {
    if (keep.has(file)) continue;
    rmSync(path.join(directory, file));
    removed++;
  }
  for (const file of wanted) {
    const source = path.join(from, file);
    const target = path.join(directory, file);
    if (sameContent(source, target)) continue;
    mkdirSync(path.dirname(target), { recursive: true });
    // An interrupted copy must not look like a file.
    const partial = `${target}.partial`;
    copyFileSync(source, partial);
    renameSync(partial, target);
    changed++;
  }
  return { changed, removed };
}

function sameContent(a, b) {
  const there = statSync(b, { throwIfNoEntry: false });
  return there?.size === statSync(a).size && readFileSync(a).equals(readFileSync(b));
}

/**
 * Builds the source tree in `directory`: node-llama-cpp's CMake project, its addon with ours, llama.cpp with both patch series.
 * @param {string} directory
 * @param {string} scratch emptied before and after
 * @returns {Promise<{ changed: number, removed: number }>} files
 * @throws {BuildError} when a patch does not apply
 */
export async function prepareSources(directory, scratch) {
  const llamaCpp = path.join(scratch, "llama.cpp");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  for (const part of packagedParts)
    cpSync(path.join(llama, part), path.join(scratch, part), { recursive: true });
  await cloneBundle(llamaCpp);
  await git("-C", llamaCpp, "checkout", "--quiet", "HEAD", "--", ".", ...unused.map((name) => `:!${name}`));
  rmSync(path.join(llamaCpp, ".git"), { recursive: true });
  for (const patch of upstreamPatches()) await applyUnlessThere(llamaCpp, patch);
  for (const patch of patchesIn(llamaSeries)) await applyPatch(llamaCpp, patch);
  const files = addonFiles();
  if (files.includes("lacuna.h"))
    for (const patch of patchesIn(addonSeries)) await applyPatch(scratch, patch);
  for (const file of files) {
    const target = path.join(scratch, "addon", file);
    if (statSync(target, { throwIfNoEntry: false }) !== undefined)
      throw new BuildError(
        `${shown(path.join(ourAddon, file))} would replace node-llama-cpp's file of that name.`,
      );
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(ourAddon, file), target);
  }
  const synced = syncTree(scratch, directory);
  rmSync(scratch, { recursive: true });
  return synced;
}

/**
 * A git work tree of llama.cpp with one commit for each patch, to write the next one in.
 * @param {string} directory must not exist
 */
export async function checkoutForPatching(directory) {
  if (statSync(directory, { throwIfNoEntry: false }) !== undefined)
    throw new BuildError(`${directory} exists: name a folder that does not.`);
  await cloneBundle(directory);
  await git("-C", directory, "checkout", "--quiet", "-B", "lacuna", "HEAD");
  const commit = async (message) => {
    await git("-C", directory, "add", "--all");
    await git(
      ...["-C", directory, "-c", "user.name=Lacuna", "-c", "user.email=lacuna@localhost"],
      ...["commit", "--quiet", "--message", message],
    );
  };
  for (const patch of upstreamPatches())
    if (await applyUnlessThere(directory, patch))
      await commit(`node-llama-cpp: ${path.basename(patch, ".diff")}`);
  await git("-C", directory, "tag", "upstream");
  for (const patch of patchesIn(llamaSeries)) {
    await applyPatch(directory, patch);
    await commit(subjectOf(patch));
  }
}

function subjectOf(patch) {
  const subject = /^Subject: (?:\[PATCH[^\]]*\] )?(.+(?:\n .+)*)/m.exec(readFileSync(patch, "utf8"));
  return subject?.[1].replace(/\n /g, " ") ?? path.basename(patch, ".patch");
}
