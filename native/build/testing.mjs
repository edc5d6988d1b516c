import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/**
 * Runs `test` with an empty folder that goes away afterwards.
 * @param {(directory: string) => unknown} test
 */
export async function inScratch(test) {
  const directory = mkdtempSync(path.join(os.tmpdir(), "lacuna-build-"));
  try {
    await test(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * Writes files, by path relative to `directory`.
 * @param {string} directory
 * @param {Record<string, string>} files
 */
export function writeFiles(directory, files) {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}
