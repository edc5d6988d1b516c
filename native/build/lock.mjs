import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, utimes, writeSync } from "node:fs";
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

/** How often an owner shows that it is at work, and how long it may seem not to be. */
const BEAT_MS = 5_000;
const SILENCE_MS = 60_000;

/**
 * Runs `work` while no other process runs under the same lock. A lock whose owner is dead, or silent, is taken over: after a restart of a
 * container, another process may have the number of an owner that was killed.
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
  const beat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now, () => undefined);
  }, BEAT_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(file, { force: true });
  }
}

/** Who holds the lock; undefined when it has just been released. */
function ownerOf(file) {
  try {
    const owner = Number(readFileSync(file, "utf8"));
    const silence = Date.now() - statSync(file).mtimeMs;
    if (owner > 0) return alive(owner) && silence < SILENCE_MS ? owner : "nobody";
    // Its owner writes its number at once, unless it died in between.
    return silence > 10_000 ? "nobody" : 0;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
