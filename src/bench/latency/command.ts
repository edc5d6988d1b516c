import { readFileSync } from "node:fs";
import { prepareDirectory, writeFiles } from "../../commandLine/atomicFiles";
import { parseCommand, type Arguments, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { CliError, UsageError } from "../../commandLine/errors";
import { BENCH_GPU_OPTION, chooseBenchGpu } from "../../commandLine/gpu";
import { chooseModel, chooseThreads } from "../../commandLine/install";
import type { Gpu } from "../../engine/gpu";
import { describeEnvironment } from "../common/environment";
import { LlamaServer } from "../common/llamaServer";
import { recordedCommand } from "../common/recordedCommand";
import { chooseServer, contextSizeOf } from "../common/setup";
import { LacunaSystem } from "./lacunaSystem";
import { LlamaVscode } from "./llamaVscode";
import { paired } from "./paired";
import { replay, type Run } from "./replay";
import { formatReport, markdownReport, type LatencyReport } from "./report";
import { summarise } from "./summary";
import type { SystemKind } from "./system";
import { durationOf, parseTrace, type Trace } from "./trace";
import { shippedTraces } from "./traces";

export const BENCH_LATENCY: CommandSpec = {
  name: "bench latency",
  usage:
    "bench latency [--trace FILE,…] [--model PATH] [--server PATH|none] [--on-server] [--rounds N] [--events N] [--speed X] [--out DIR] [--json]",
  summary: "Replays someone typing against Lacuna and against llama.vscode with stock llama-server.",
  details:
    "Both complete the same keys with the same model and the same number of threads, one after the other, each in fresh processes.\n" +
    "Build the server with `npm run build:native -- --server`; it is found there. A key counts as answered when its suggestion's\n" +
    "first text comes before the next key; times are over the answered keys, debouncing included. llama.vscode's part is done\n" +
    "after its sources: 256 lines before and 64 after the cursor, one request at a time, 150 ms between looks. Lacuna's is what runs in\n" +
    "the editor, with syntax trees and other files of the trace's project, but without an editor's language server.",
  options: {
    trace: { value: "FILE,…", help: "replay these traces (default: the three that come with Lacuna)" },
    model: { value: "PATH", help: "GGUF model file (default: the one that comes with Lacuna)" },
    server: { value: "PATH", help: "llama-server binary; `none`: measure Lacuna alone" },
    "on-server": {
      help: "compare Lacuna completing on llama-server, as with lacuna.server, rather than with its own engine",
    },
    rounds: { value: "N", help: "rounds (default 3)" },
    speed: { value: "X", help: "type this many times faster (default 1)" },
    events: { value: "N", help: "only the first N events of each trace" },
    "context-size": {
      value: "N",
      help: "tokens of context for both (default 2048, at most the model's own)",
    },
    threads: { value: "N", help: "CPU threads (default: the machine's cores, at most 8)" },
    ...BENCH_GPU_OPTION,
    out: {
      value: "DIR",
      help: "also write the report there, as latency.json and .md (on a server, as latency-server)",
    },
  },
  examples: [
    "lacuna bench latency",
    "lacuna bench latency --rounds 1 --events 150 --out docs/evidence",
    "lacuna bench latency --server none --speed 2 --rounds 1 --json",
  ],
};

interface Setup {
  readonly modelPath: string;
  readonly contextSize: number;
  readonly threads: number;
  readonly gpu: Gpu;
}

export async function benchLatency(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(BENCH_LATENCY, words);
  const traces = readTraces(args);
  const rounds = args.integer("rounds", 3, 1, 100);
  const speed = parseSpeed(args.text("speed") ?? "1");
  const threads = chooseThreads(args);
  const modelPath = chooseModel(args.text("model"), context.install);
  const contextSize = contextSizeOf(modelPath, args.integer("context-size", 2048, 256, 32_768));
  const server = chooseServer(args.text("server"), context);
  const gpu = chooseBenchGpu(args, server);
  const directory = args.text("out");
  if (directory !== undefined) {
    prepareDirectory(directory, "Choose another --out.");
  }
  const onServer = args.flag("on-server");
  if (onServer && server === undefined) {
    throw new UsageError("--on-server needs a llama-server: leave out --server none.");
  }
  const kinds = systemKinds({ modelPath, contextSize, threads, gpu }, server, onServer, context);

  const { progress, signal, output, install } = context;
  const runs = new Map<string, Run[]>(kinds.map(({ name }) => [name, []]));
  const total = rounds * traces.length * kinds.length;
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    for (const trace of traces) {
      // Who goes first takes turns: a machine that slows down slows both.
      for (const kind of round % 2 === 0 ? kinds : [...kinds].reverse()) {
        const system = await kind.start(trace);
        try {
          const report = (share: number): void => {
            progress.report(`Typing ${trace.name}, ${kind.name}`, (done + share) / total);
          };
          const document = `file:///${trace.path}`;
          runs.get(kind.name)!.push(await replay(trace, system, document, speed, signal, report));
        } finally {
          await system.dispose();
        }
        done++;
      }
    }
  }
  progress.end();
  const [own, rival] = kinds.map(({ name }) => runs.get(name)!);
  const both = rival === undefined ? undefined : paired(own!, rival);
  const report: LatencyReport = {
    environment: {
      ...describeEnvironment(install.root, modelPath, threads, {}),
      command: recordedCommand([...BENCH_LATENCY.name.split(" "), ...words], install.root, process.cwd()),
    },
    traces: traces.map((trace) => ({
      name: trace.name,
      source: trace.source,
      events: trace.events.length,
      seconds: durationOf(trace) / 1000,
    })),
    rounds,
    speed,
    contextSize,
    systems: kinds.map(({ name }) => summarise(name, runs.get(name)!)),
    ...(both === undefined ? {} : { paired: both }),
    byTrace: traces.map((trace, index) => ({
      name: trace.name,
      systems: kinds.map(({ name }) =>
        summarise(
          name,
          runs.get(name)!.filter((_, run) => run % traces.length === index),
        ),
      ),
    })),
  };
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  const name = onServer ? "latency-server" : "latency";
  if (directory !== undefined) {
    writeFiles(
      directory,
      new Map([
        [`${name}.json`, json],
        [`${name}.md`, markdownReport(report)],
      ]),
    );
  }
  output(args.flag("json") ? json : formatReport(report));
}

function systemKinds(
  setup: Setup,
  server: string | undefined,
  onServer: boolean,
  { install, signal }: Context,
): SystemKind[] {
  const startServer = (): Promise<LlamaServer> => LlamaServer.start({ ...setup, binary: server! }, signal);
  const kinds: SystemKind[] = [
    onServer
      ? {
          name: "Lacuna + llama-server",
          start: async (trace) =>
            LacunaSystem.startOn(await startServer(), install, setup.contextSize, trace),
        }
      : { name: "Lacuna", start: (trace) => LacunaSystem.start(install, setup, trace) },
  ];
  if (server !== undefined) {
    kinds.push({
      name: "llama.vscode + llama-server",
      start: async (trace) => new LlamaVscode(await startServer(), trace.path),
    });
  }
  return kinds;
}

function readTraces(args: Arguments): readonly Trace[] {
  const limit = args.integer("events", Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER);
  const files = args.text("trace")?.split(",");
  const traces = files?.map((file) => parseTrace(readText(file), file)) ?? shippedTraces();
  return traces.map((trace) => ({ ...trace, events: trace.events.slice(0, limit) }));
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new CliError(`There is no readable file at ${file}.`);
  }
}

function parseSpeed(word: string): number {
  const speed = word.trim() === "" ? NaN : Number(word);
  if (!(speed > 0 && speed <= 100)) {
    throw new UsageError(`--speed must be above 0 and at most 100, not ${word}.`);
  }
  return speed;
}
