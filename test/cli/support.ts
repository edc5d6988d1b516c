import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** The tests run from the project's root. */
export const root = process.cwd();
export const sourceFile = path.join(root, "src/sparsity/ranking.ts");

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command line from its sources, with one thread. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const words = ["--import", "tsx", path.join(root, "src/cli/main.ts"), ...args];
  return spawn(process.execPath, words, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export async function finish(child: ChildProcess): Promise<Finished> {
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

export const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
  finish(start(args, env));

/** A folder that is removed after the tests of the current `describe`. */
export class Scratch {
  readonly directory = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));

  file(name: string, contents: string | Uint8Array): string {
    const file = path.join(this.directory, name);
    writeFileSync(file, contents);
    return file;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The last line on stderr, which is the error; progress goes before it. */
export function errorLine({ stderr }: Finished): string {
  const lines = stderr.trimEnd().split("\n");
  return lines.at(-1)!;
}
