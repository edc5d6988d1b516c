import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";

/** What Linux tells about one logical processor. */
export interface LogicalCpu {
  /** Processors that share its core, e.g. `0,4`. */
  readonly siblings: string;
  /** Highest frequency in kHz, or undefined where the system does not tell. */
  readonly maxFrequency: number | undefined;
}

/** Instruction sets that decide how fast the engine is. */
const FEATURES = ["avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "sve"];

/**
 * Physical performance cores: one per sibling set, and where frequencies differ clearly, only those near the highest. Undefined when
 * nothing is known.
 */
export function performanceCores(cpus: readonly LogicalCpu[]): number | undefined {
  if (cpus.length === 0) {
    return undefined;
  }
  const cores = new Map(cpus.map((cpu) => [cpu.siblings, cpu.maxFrequency ?? 0]));
  const fastest = Math.max(...cores.values());
  return [...cores.values()].filter((frequency) => frequency >= 0.8 * fastest).length;
}

/**
 * Threads for the engine: the performance cores less one, which stays with the editor; of two cores both, since half of the speed is more than the editor
 * gains by the other.
 */
export const defaultThreads = (cores: number): number => (cores > 2 ? cores - 1 : Math.max(1, cores));

/**
 * Why the engine computes on so many threads, in a few words.
 * @param setting of `lacuna.threads`; 0: as many as is good
 */
export function whyThreads(used: number, setting: number, cores: number): string {
  if (used < (setting > 0 ? setting : defaultThreads(cores))) {
    return "more are no faster with so small a model";
  }
  if (setting > 0) {
    return "as `lacuna.threads` says";
  }
  return cores > 2
    ? `${cores} cores, one of them left to the editor`
    : cores === 1
      ? "the only core"
      : "one for each core";
}

/** Performance cores of this machine, as well as the system tells. Touches a few small files; call it outside of typing. */
export function countCores(): number {
  const logical = os.availableParallelism();
  const found = process.platform === "linux" ? performanceCores(linuxCpus(logical)) : macCores();
  return Math.min(logical, found ?? Math.max(1, Math.ceil(logical / 2)));
}

/** Processor name, core count and relevant features in one phrase. */
export function describeCpu(): string {
  const model = os.cpus()[0]?.model.trim() ?? "unknown processor";
  const flags = new Set(
    (read("/proc/cpuinfo")?.match(/^(?:flags|Features)\s*:(.*)$/m)?.[1] ?? "").split(/\s+/),
  );
  const features = FEATURES.filter((feature) => flags.has(feature));
  const cores = `${countCores()} performance cores, ${os.availableParallelism()} threads`;
  return `${model} (${cores}${features.length > 0 ? `; ${features.join(" ")}` : ""})`;
}

function linuxCpus(count: number): LogicalCpu[] {
  const cpus: LogicalCpu[] = [];
  for (let i = 0; i < count; i++) {
    const dir = `/sys/devices/system/cpu/cpu${i}`;
    const siblings = read(`${dir}/topology/thread_siblings_list`)?.trim();
    if (siblings === undefined) {
      return [];
    }
    const frequency = Number(read(`${dir}/cpufreq/cpuinfo_max_freq`));
    cpus.push({
      siblings,
      maxFrequency: Number.isFinite(frequency) && frequency > 0 ? frequency : undefined,
    });
  }
  return cpus;
}

function macCores(): number | undefined {
  if (process.platform !== "darwin") {
    return undefined;
  }
  try {
    return (
      Number(
        execFileSync("sysctl", ["-n", "hw.perflevel0.physicalcpu"], { encoding: "utf8", timeout: 500 }),
      ) || undefined
    );
  } catch {
    return undefined; // an Intel Mac has no performance levels
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
