import { setTimeout as sleep } from "node:timers/promises";
import { parseCommand, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { UsageError } from "../../commandLine/errors";
import { chooseModel, chooseThreads } from "../../commandLine/install";
import { BackgroundSyntax } from "../../syntax/backgroundSyntax";
import { grammarFolder } from "../../syntax/folder";
import { freePort, LlamaServer, type ServerOptions } from "../common/llamaServer";
import { percentiles } from "../common/percentiles";
import { chooseServer, contextSizeOf } from "../common/setup";
import { shippedTraces } from "../latency/traces";
import { Window, type Fates } from "./window";

export const BENCH_LOAD: CommandSpec = {
  name: "bench load",
  usage:
    "bench load [--windows N] [--slots N] [--minutes N] [--kill-every SECONDS] [--model PATH] [--server PATH] [--json]",
  summary:
    "Lets many windows type at once against one llama-server, also while it is killed and started again.",
  details:
    "Each window replays one of the traces at its own pace, again and again, and asks as the extension does. Told is what has become\n" +
    "of every request, how long first texts took, and how many requests waited for a slot at most, in the first and in the second half.",
  options: {
    windows: { value: "N", help: "windows (default 20)" },
    slots: { value: "N", help: "slots of the server (default 4)" },
    minutes: { value: "N", help: "how long they type (default 10)" },
    "kill-every": { value: "SECONDS", help: "kill the server and start it again (default: never)" },
    model: { value: "PATH", help: "GGUF model file (default: the one that comes with Lacuna)" },
    server: { value: "PATH", help: "llama-server binary (default: the one that has been built here)" },
    threads: { value: "N", help: "CPU threads (default: the machine's cores, at most 8)" },
  },
  examples: ["lacuna bench load --minutes 2", "lacuna bench load --kill-every 60 --json"],
};

const SAMPLE_MS = 500;
const CONTEXT_SIZE = 2048;

interface LoadReport {
  readonly windows: number;
  readonly slots: number;
  readonly minutes: number;
  readonly kills: number;
  readonly asked: number;
  readonly answered: number;
  readonly cancelled: number;
  readonly late: number;
  /** Requests that failed, by what they were told. */
  readonly failed: Readonly<Record<string, number>>;
  /** Requests that were never answered at all. */
  readonly lost: number;
  /** Milliseconds from a request to its first text. */
  readonly first: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
  /** Requests that waited for a slot at most, in each half. */
  readonly mostWaiting: readonly [number, number];
  /** Requests that a window had open at most. */
  readonly mostOpen: number;
}

export async function benchLoad(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(BENCH_LOAD, words);
  const count = args.integer("windows", 20, 1, 200);
  const slots = args.integer("slots", 4, 1, 64);
  const minutes = args.integer("minutes", 10, 1, 600);
  const killEvery = args.integer("kill-every", 0, 0, 3_600);
  const modelPath = chooseModel(args.text("model"), context.install);
  const binary = chooseServer(args.text("server"), context);
  if (binary === undefined) {
    throw new UsageError("There is no llama-server. Run `npm run build:native -- --server`.");
  }
  const { signal, progress } = context;
  const contextSize = contextSizeOf(modelPath, CONTEXT_SIZE);
  const port = await freePort();
  const options = { binary, modelPath, contextSize, threads: chooseThreads(args), slots, port };
  const keeper = new Keeper(options, signal);
  await keeper.start();
  const traces = shippedTraces();
  const syntax = new BackgroundSyntax(grammarFolder(context.install.root));
  const windows = Array.from(
    { length: count },
    (_, index) =>
      new Window(keeper.address, contextSize, traces[index % traces.length]!, `window${index}`, syntax),
  );
  const stop = new AbortController();
  const typing = windows.map(async (window, index) => {
    // Nobody begins at the same moment as everybody else.
    await sleep(index * 97);
    await window.type(AbortSignal.any([signal, stop.signal]));
  });
  const mostWaiting: [number, number] = [0, 0];
  let mostOpen = 0;
  const began = performance.now();
  const total = minutes * 60_000;
  for (let elapsed = 0; elapsed < total && !signal.aborted; elapsed = performance.now() - began) {
    progress.report(`${count} windows typing`, elapsed / total);
    await sleep(SAMPLE_MS);
    const half = elapsed < total / 2 ? 0 : 1;
    mostWaiting[half] = Math.max(mostWaiting[half], await keeper.waiting());
    mostOpen = Math.max(mostOpen, ...windows.map(({ counting }) => counting.open));
    if (killEvery > 0 && elapsed > killEvery * 1000 * (keeper.kills + 1)) {
      await keeper.restart();
    }
  }
  stop.abort();
  await Promise.all(typing);
  syntax.dispose();
  await keeper.dispose();
  progress.end();
  const report: LoadReport = {
    ...{ windows: count, slots, minutes, kills: keeper.kills },
    ...summed(windows.map(({ counting }) => counting.fates)),
    ...{ mostWaiting, mostOpen },
  };
  context.output(`${JSON.stringify(report, undefined, 2)}\n`);
}

function summed(
  all: readonly Fates[],
): Pick<LoadReport, "asked" | "answered" | "cancelled" | "late" | "failed" | "lost" | "first"> {
  const sum = (of: (fates: Fates) => number): number => all.reduce((total, fates) => total + of(fates), 0);
  const failed = new Map<string, number>();
  for (const [why, count] of all.flatMap((fates) => [...fates.failed])) {
    failed.set(why, (failed.get(why) ?? 0) + count);
  }
  const [asked, answered, cancelled, late] = [
    sum((fates) => fates.asked),
    sum((fates) => fates.answered),
    sum((fates) => fates.cancelled),
    sum((fates) => fates.late),
  ];
  const told = [...failed.values()].reduce((total, count) => total + count, 0);
  return {
    ...{ asked, answered, cancelled, late },
    failed: Object.fromEntries(failed),
    lost: asked - answered - cancelled - late - told,
    first: percentiles(all.flatMap(({ firstMs }) => firstMs)),
  };
}

/** Keeps a server, and kills it on demand. */
class Keeper {
  kills = 0;
  private server: LlamaServer | undefined;

  constructor(
    private readonly options: ServerOptions,
    private readonly signal: AbortSignal,
  ) {}

  get address(): string {
    return this.server!.address;
  }

  async start(): Promise<void> {
    this.server = await LlamaServer.start(this.options, this.signal);
  }

  async restart(): Promise<void> {
    this.kills++;
    await this.server?.dispose();
    await this.start();
  }

  waiting(): Promise<number> {
    return this.server!.waiting().catch(() => 0);
  }

  async dispose(): Promise<void> {
    await this.server?.dispose();
  }
}
