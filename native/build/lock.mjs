import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * Runs `work` while no other process runs under the same lock. A lock whose owner is dead is taken over.
 * @template T
 * @param {string} file
 * @param {(owner: number) => void} onWait called once when somebody else holds the lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, onWait, work) {
  mkdirSync(path.dirname(file), { recursive: true });
  for (let waited = false; ;) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, String(process.pid));
      closeSync(handle);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const owner = ownerOf(file);
      if (owner === undefined) continue;
      if (owner === "nobody") {
        rmSync(file, { force: true });
        continue;
      }
      if (!waited) onWait(owner);
      waited = true;
      await sleep(500);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Who holds the lock; undefined when it has just been released. */
function ownerOf(file) {
  try {
    const owner = Number(readFileSync(file, "utf8"));
    if (owner > 0) return alive(owner) ? owner : "nobody";
    // Its owner writes its number at once, unless it died in between.
    return Date.now() - statSync(file).mtimeMs > 10_000 ? "nobody" : 0;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
