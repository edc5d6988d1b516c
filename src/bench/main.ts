import type { Command } from "../commandLine/command";
import { locateInstall } from "../commandLine/install";
import { runCommands } from "../commandLine/run";
import { BENCH_EVIDENCE, benchEvidence } from "./evidence/command";
import { BENCH_INSERTION, benchInsertion } from "./insertion/command";
import { BENCH_LATENCY, benchLatency } from "./latency/command";
import { BENCH_LOAD, benchLoad } from "./load/command";
import { BENCH_QUALITY, benchQuality } from "./quality/command";
import { BENCH_SPEED, benchSpeed } from "./speed/command";
import { runWorker } from "./speed/worker";
import { WORKER_COMMAND } from "./speed/workerProcess";
import { BENCH_TEXT, benchText } from "./text/command";

/** The laboratory, a bundle of its own that no package holds: `src/cli` finds it beside itself in a checkout. */
export const BENCH_COMMANDS: readonly Command[] = [
  { spec: BENCH_SPEED, run: benchSpeed },
  { spec: BENCH_QUALITY, run: benchQuality },
  { spec: BENCH_LATENCY, run: benchLatency },
  { spec: BENCH_LOAD, run: benchLoad },
  { spec: BENCH_TEXT, run: benchText },
  { spec: BENCH_INSERTION, run: benchInsertion },
  { spec: BENCH_EVIDENCE, run: benchEvidence },
];

/** The exit code. */
export async function runBench(words: readonly string[]): Promise<number> {
  if (words[0] === WORKER_COMMAND && process.send !== undefined) {
    await runWorker();
    return 0;
  }
  return runCommands(BENCH_COMMANDS, words, locateInstall(import.meta.url));
}
