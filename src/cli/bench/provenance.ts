import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Where figures come from: enough to measure them again. */
export interface Provenance {
  readonly command: string;
  /** Of this repository, with `+` when its sources differ from it; undefined outside of a checkout. */
  readonly commit: string | undefined;
  readonly date: string;
  readonly model: { readonly name: string; readonly bytes: number; readonly sha256: string };
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
  };
  readonly threads: number;
}

/** @param root of the checkout or the installation */
export function provenance(root: string, modelPath: string, threads: number): Provenance {
  return {
    command: ["lacuna", ...process.argv.slice(2)].join(" "),
    commit: commitOf(root),
    date: new Date().toISOString().slice(0, 10),
    model: { name: path.basename(modelPath), bytes: statSync(modelPath).size, sha256: hashOf(modelPath) },
    machine: {
      processor: os.cpus()[0]?.model.trim() ?? "unknown",
      cores: os.availableParallelism(),
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
      system: `${os.type()} ${os.machine()}`,
    },
    threads,
  };
}

/** The same for people, as lines of Markdown. */
export function provenanceLines({ command, commit, date, model, machine, threads }: Provenance): string[] {
  const { processor, cores, memoryGiB, system } = machine;
  return [
    `- command: \`${command}\``,
    `- commit: ${commit ?? "not a checkout"}, ${date}`,
    `- model: ${model.name}, ${(model.bytes / 1e6).toFixed(1)} MB, SHA-256 ${model.sha256.slice(0, 16)}`,
    `- machine: ${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}; ${threads} threads`,
  ];
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

function hashOf(file: string): string {
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(2 ** 22);
  const handle = openSync(file, "r");
  try {
    for (let read = readSync(handle, chunk); read > 0; read = readSync(handle, chunk)) {
      hash.update(chunk.subarray(0, read));
    }
  } finally {
    closeSync(handle);
  }
  return hash.digest("hex");
}
