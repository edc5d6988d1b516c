import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/*
 * `mkdir -p`. Node's own (`recursive: true`) never ends where a system answers "no such folder" although the one above is there, as
 * Linux does in /proc: the promise waits for ever, and the synchronous one stops the whole process.
 */

interface Options {
  /** Of the folders that are made. */
  readonly mode?: number;
}

/** Makes a folder with those above it. Rejects with the system's error (`code`); where nothing can be made in a folder, with EPERM. */
export async function makeFolder(folder: string, options: Options = {}): Promise<void> {
  const missing: string[] = [];
  for (const each of upwards(folder)) {
    if (await isFolder(each)) {
      break;
    }
    missing.unshift(each);
  }
  for (const each of missing) {
    try {
      await mkdir(each, options);
    } catch (error) {
      if (!(await isFolder(each))) {
        throw (await isFolder(path.dirname(each))) ? refused(error, each) : error;
      }
    }
  }
}

/** {@link makeFolder}, at once. */
export function makeFolderSync(folder: string, options: Options = {}): void {
  const missing: string[] = [];
  for (const each of upwards(folder)) {
    if (isFolderSync(each)) {
      break;
    }
    missing.unshift(each);
  }
  for (const each of missing) {
    try {
      mkdirSync(each, options);
    } catch (error) {
      if (!isFolderSync(each)) {
        throw isFolderSync(path.dirname(each)) ? refused(error, each) : error;
      }
    }
  }
}

/** A folder and those above it, up to the root. */
function upwards(folder: string): string[] {
  const all = [path.resolve(folder)];
  for (let above = path.dirname(all[0]!); above !== all.at(-1); above = path.dirname(above)) {
    all.push(above);
  }
  return all;
}

/** The folder above is there, so "no such folder" is not what is wrong. */
function refused(error: unknown, folder: string): unknown {
  const isRefusal = (error as NodeJS.ErrnoException).code === "ENOENT";
  const message = `EPERM: no folder can be made in ${path.dirname(folder)}, mkdir '${folder}'`;
  return isRefusal ? Object.assign(new Error(message, { cause: error }), { code: "EPERM" }) : error;
}

const isFolder = async (folder: string): Promise<boolean> =>
  (await stat(folder).catch(() => undefined))?.isDirectory() === true;

function isFolderSync(folder: string): boolean {
  try {
    return statSync(folder).isDirectory();
  } catch {
    return false;
  }
}
