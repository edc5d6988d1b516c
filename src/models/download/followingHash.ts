import { Worker } from "node:worker_threads";

/** The worker's program, as text because a bundle is one file: hashes a file from where it stopped to where it is told. */
const HASHER = `
const { createHash } = require("node:crypto");
const { openSync, readSync, closeSync } = require("node:fs");
const { parentPort, workerData } = require("node:worker_threads");
const buffer = Buffer.allocUnsafe(1 << 20);
let hash = createHash("sha256");
let done = 0;
parentPort.on("message", ({ kind, to }) => {
  if (kind === "restart") {
    hash = createHash("sha256");
    done = 0;
    return;
  }
  if (done < to) {
    let file;
    try {
      file = openSync(workerData, "r");
      while (done < to) {
        const read = readSync(file, buffer, 0, Math.min(buffer.length, to - done), done);
        if (read === 0) break; // it begins anew: "restart" is on its way
        hash.update(buffer.subarray(0, read));
        done += read;
      }
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
  if (kind === "digest") {
    if (done < to) throw new Error("the file became shorter while it was read");
    parentPort.postMessage(hash.copy().digest("hex"));
  }
});
`;

/** Bytes between two messages to the worker: each wakes a thread. */
const STEP = 8 << 20;

/**
 * SHA-256 of a file while it grows, on a thread of its own: hashing takes as long as receiving does from a near server, and what
 * an earlier attempt left is hashed while the rest comes.
 */
export class FollowingHash {
  private readonly worker: Worker;
  private failure: Error | undefined;
  private told = 0;

  constructor(file: string) {
    this.worker = new Worker(HASHER, { eval: true, workerData: file });
    this.worker.on("error", (error) => (this.failure = error));
  }

  /** The first `bytes` of the file are written. */
  written(bytes: number): void {
    if (bytes - this.told >= STEP) {
      this.told = bytes;
      this.worker.postMessage({ kind: "hash", to: bytes });
    }
  }

  /** The file begins anew. */
  restart(): void {
    this.told = 0;
    this.worker.postMessage({ kind: "restart" });
  }

  /** Of the first `bytes`, in hexadecimal digits. */
  digest(bytes: number): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) {
        reject(this.failure);
        return;
      }
      this.worker.once("message", resolve);
      this.worker.once("error", reject);
      this.worker.postMessage({ kind: "digest", to: bytes });
    });
  }

  async dispose(): Promise<void> {
    await this.worker.terminate();
  }
}
