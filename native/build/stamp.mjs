import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

export const sha256 = (content) => createHash("sha256").update(content).digest("hex");

/**
 * One hash for many named inputs; their order does not matter, their names do.
 * @param {Record<string, string>} inputs name to content or to the hash of it
 */
export function stampOf(inputs) {
  const names = Object.keys(inputs).sort();
  return sha256(JSON.stringify(names.map((name) => [name, inputs[name]])));
}

/**
 * Regular files under `directory`, as sorted paths relative to it with forward slashes.
 * A directory that does not exist has no files.
 * @param {string} directory
 * @param {(relative: string) => boolean} [keep]
 */
export function filesUnder(directory, keep = () => true) {
  let entries;
  try {
    entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(directory, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"),
    )
    .filter(keep)
    .sort();
}

/**
 * Hashes of the files under `directory`, by `prefix/relative path`.
 * @param {string} prefix
 * @param {string} directory
 * @param {(relative: string) => boolean} [keep]
 * @returns {Record<string, string>}
 */
export function hashesUnder(prefix, directory, keep) {
  return Object.fromEntries(
    filesUnder(directory, keep).map((file) => [
      `${prefix}/${file}`,
      sha256(readFileSync(path.join(directory, file))),
    ]),
  );
}
