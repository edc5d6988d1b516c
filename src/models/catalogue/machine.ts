import os from "node:os";
import { Worker } from "node:worker_threads";

/** What a machine can do for a language model. */
export interface Machine {
  /** Bytes of memory. */
  readonly memory: number;
  readonly cores: number;
  /** Bytes per second that all cores together read. */
  readonly bandwidth: number;
}

const MEASURE_MS = 700;
/** More than what a core's cache holds. */
const BUFFER_BYTES = 96 << 20;

/**
 * A worker's program: compares two equal buffers, which reads both as fast as the machine can, and tells how much it has read and the best rate in bytes per second.
 * As text, because a bundle is one file.
 */
const READER = `
const { parentPort, workerData } = require("node:worker_threads");
const one = Buffer.alloc(workerData.bytes, 1);
const two = Buffer.alloc(workerData.bytes, 1);
one.equals(two);
parentPort.postMessage("ready");
parentPort.once("message", () => {
  const end = performance.now() + workerData.ms;
  let read = 0;
  let best = 0;
  while (performance.now() < end) {
    const began = performance.now();
    one.equals(two);
    read += 2 * one.length;
    best = Math.max(best, (2000 * one.length) / (performance.now() - began));
  }
  parentPort.postMessage({ read, best });
});
`;

/** Takes about a second, in which all cores read memory; 200 MB for each of at most eight. */
export async function measureMachine(signal?: AbortSignal): Promise<Machine> {
  const cores = os.availableParallelism();
  const readers = Math.max(1, Math.min(cores, 8, Math.floor(os.freemem() / (8 * BUFFER_BYTES))));
  const workers = Array.from(
    { length: readers },
    () => new Worker(READER, { eval: true, workerData: { bytes: BUFFER_BYTES, ms: MEASURE_MS } }),
  );
  try {
    await Promise.all(workers.map((worker) => message(worker, signal)));
    const before = process.cpuUsage();
    const all = workers.map((worker) => {
      const said = message(worker, signal) as Promise<{ readonly read: number; readonly best: number }>;
      worker.postMessage("go");
      return said;
    });
    const said = await Promise.all(all);
    const { user, system } = process.cpuUsage(before);
    const sum = (of: "read" | "best"): number => said.reduce((total, one) => total + one[of], 0);
    // By processor time: others that are busy meanwhile do not make the machine slower.
    const whileRunning = sum("read") / ((user + system) / 1e6 / readers);
    return { memory: os.totalmem(), cores, bandwidth: Math.max(sum("best"), whileRunning) };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function message(worker: Worker, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
    }
  });
}
