import { fork, type ChildProcess } from "node:child_process";
import { CliError } from "../../commandLine/errors";

/** Every `count`-th case from `index` on. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** `1/2` is the first half; undefined for anything else. */
export function parseShard(word: string): Shard | undefined {
  const [, part, count] = (/^(\d+)\/(\d+)$/.exec(word) ?? []).map(Number);
  return part !== undefined && count !== undefined && part >= 1 && part <= count
    ? { index: part - 1, count }
    : undefined;
}

const LOOK_MS = 500;

/**
 * Runs this process's own command `count` times side by side, each on its share of the cases and all into one store.
 * Throws a {@link CliError} with the first failure's line; then the others are ended.
 */
export async function runShards(count: number, signal: AbortSignal, onLook: () => void): Promise<void> {
  const children: ChildProcess[] = [];
  const timer = setInterval(onLook, LOOK_MS);
  const stop = (): void => {
    children.forEach((child) => child.kill());
  };
  signal.addEventListener("abort", stop);
  try {
    await Promise.all(
      Array.from({ length: count }, (_, index) => {
        const child = fork(process.argv[1]!, shardArguments(process.argv.slice(2), index, count), {
          execArgv: process.execArgv,
          stdio: ["ignore", "ignore", "pipe", "ipc"],
        });
        children.push(child);
        return finished(child);
      }),
    );
    signal.throwIfAborted();
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** The parent has emptied the store already, and measures rivals by itself. */
export function shardArguments(words: readonly string[], index: number, count: number): string[] {
  const jobs = words.findIndex((word) => /^--jobs(=|$)/.test(word));
  const own = words.filter((word, at) => {
    const isJobs = jobs >= 0 && (at === jobs || (at === jobs + 1 && words[jobs] === "--jobs"));
    return !isJobs && word !== "--fresh";
  });
  return [...own, "--shard", `${index + 1}/${count}`];
}

function finished(child: ChildProcess): Promise<void> {
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-1000);
  });
  return new Promise((resolve, reject) => {
    child.on("exit", (code, by) => {
      const last = said
        .trimEnd()
        .split("\n")
        .at(-1)!
        .replace(/^lacuna: /, "");
      const why = by === null ? last : `A process that shared the cases was ended (${by}).`;
      if (code === 0) {
        resolve();
      } else {
        reject(new CliError(why));
      }
    });
  });
}
