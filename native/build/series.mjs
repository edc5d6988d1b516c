import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { BuildError } from "./errors.mjs";
import { shown } from "./paths.mjs";
import { run, withoutRepository } from "./run.mjs";

/** Patch files of a series, in order. A folder that does not exist holds none. */
export function patchesIn(directory) {
  try {
    return readdirSync(directory)
      .filter((name) => /^\d{4}-.*\.patch$/.test(name))
      .sort()
      .map((name) => path.join(directory, name));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

/**
 * File names of node-llama-cpp's own patches, in the order in which it applies them, out of the source of
 * `applyLlamaCppRepoPatches.js`: the list is literal there and exported nowhere.
 * @param {string} source
 */
export const upstreamPatchNames = (source) =>
  [...source.matchAll(/\bfilename:\s*"([^"]+\.diff)"/g)].map((match) => match[1]);

/**
 * What `git apply --reject --verbose` refused.
 * @param {string[]} lines its output
 * @returns {{ file: string, hunk: number | undefined }[]} hunks count from 1; undefined: the whole file
 */
export function rejectedHunks(lines) {
  const rejected = [];
  let file = "";
  for (const line of lines) {
    const applying = /^Applying patch (.+?) (?:cleanly|with \d+ rejects?\.\.\.)/.exec(line);
    if (applying) file = applying[1];
    const hunk = /^Rejected hunk #(\d+)\./.exec(line);
    if (hunk) rejected.push({ file, hunk: Number(hunk[1]) });
    const missing = /^error: (.+): (?:No such file or directory|already exists in working directory)$/.exec(
      line,
    );
    if (missing) rejected.push({ file: missing[1], hunk: undefined });
  }
  return rejected;
}

/**
 * The header (`@@ … @@ function`) of a hunk in a patch.
 * @param {string} patch
 * @param {string} file
 * @param {number} hunk counted from 1
 */
export function hunkHeader(patch, file, hunk) {
  const lines = patch.split("\n");
  const start = lines.findIndex((line) => line === `+++ b/${file}` || line.startsWith(`+++ b/${file}\t`));
  if (start < 0) return undefined;
  let seen = 0;
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith("diff --git ") || line.startsWith("--- a/")) return undefined;
    if (line.startsWith("@@ ") && ++seen === hunk) return line;
  }
  return undefined;
}

// Without this, git would take the repository around the work directory for the patch's own.
const outsideOfRepositories = (directory) => ({
  ...withoutRepository(process.env),
  GIT_CEILING_DIRECTORIES: path.dirname(path.resolve(directory)),
});

const apply = (directory, patch, ...flags) =>
  run("git", ["apply", "--ignore-whitespace", ...flags, patch], {
    cwd: directory,
    env: outsideOfRepositories(directory),
  });

/**
 * Applies one patch to the files in `directory`.
 * @throws {BuildError} naming the patch, the files and the hunks that do not apply; the directory is then half-patched
 */
export async function applyPatch(directory, patch) {
  const { code, lines } = await apply(directory, patch);
  if (code === 0) return;
  const text = readFileSync(patch, "utf8");
  const rejected = rejectedHunks((await apply(directory, patch, "--reject", "--verbose")).lines);
  const places = rejected.map(({ file, hunk }) =>
    hunk === undefined
      ? `  ${file}: there is no such file`
      : `  ${file}, hunk ${hunk}: ${hunkHeader(text, file, hunk) ?? ""}`,
  );
  throw new BuildError(
    `${shown(patch)} no longer applies:\n${(places.length > 0 ? places : lines.map((line) => `  ${line}`)).join("\n")}\n` +
      'Refresh it as CONTRIBUTING.md describes under "Add a patch".',
  );
}

/**
 * Applies a patch that the sources may have got by themselves since it was written.
 * @returns {Promise<boolean>} false when it was there already
 */
export async function applyUnlessThere(directory, patch) {
  if ((await apply(directory, patch, "--reverse", "--check")).code === 0) return false;
  await applyPatch(directory, patch);
  return true;
}
