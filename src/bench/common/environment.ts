import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { recordedCommand } from "./recordedCommand";

export interface ModelIdentity {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Where a measurement comes from: enough to repeat it. */
export interface Environment extends Bench {
  readonly model: ModelIdentity;
}

/** What a measurement ran on, and how it was asked for. */
export interface Bench {
  readonly command: string;
  /** Of this repository; with `+` when files differ from it. Absent outside of a checkout. */
  readonly commit?: string;
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
    readonly threads: number;
    /** Absent: the CPU ran the model. */
    readonly gpu?: string;
  };
  readonly versions: Readonly<Record<string, string>>;
}

export function describeEnvironment(
  root: string,
  modelPath: string,
  threads: number,
  versions: Readonly<Record<string, string>>,
  gpu?: string,
): Environment {
  return { ...describeBench(root, threads, versions, gpu), model: identify(modelPath) };
}

export function describeBench(
  root: string,
  threads: number,
  versions: Readonly<Record<string, string>>,
  gpu?: string,
): Bench {
  const commit = commitOf(root);
  return {
    command: recordedCommand(process.argv.slice(2), root, process.cwd()),
    ...(commit === undefined ? {} : { commit }),
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: os.cpus()[0]?.model.trim() ?? "unknown",
      cores: os.availableParallelism(),
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
      system: `${os.type()} ${os.machine()}`,
      threads,
      ...(gpu === undefined ? {} : { gpu }),
    },
    versions: { node: process.version, ...versions },
  };
}

/** For people. */
export function describeMachine({ cpu, cores, memoryGiB, system, threads, gpu }: Bench["machine"]): string {
  const parts = [cpu, `${cores} cores`, `${memoryGiB} GiB`, system];
  return [
    ...parts,
    `${threads} ${threads === 1 ? "thread" : "threads"}`,
    ...(gpu === undefined ? [] : [gpu]),
  ].join(", ");
}

function commitOf(root: string): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "native");
    return git("rev-parse", "--short=12", "HEAD") + (changed === "" ? "" : "+");
  } catch {
    return undefined;
  }
}

export function identify(modelPath: string): ModelIdentity {
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(2 ** 22);
  const file = openSync(modelPath, "r");
  try {
    for (let read = 1; read > 0;) {
      read = readSync(file, chunk);
      hash.update(chunk.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
  return { name: path.basename(modelPath), bytes: statSync(modelPath).size, sha256: hash.digest("hex") };
}
