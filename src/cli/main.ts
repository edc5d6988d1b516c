import { EngineFailure, toEngineError } from "../engine/errors";
import { ATTRIBUTE, attribute } from "./attribute";
import { BENCH_EVIDENCE, benchEvidence } from "./bench/evidence/command";
import { BENCH_QUALITY, benchQuality } from "./bench/quality/command";
import { runWorker } from "./bench/speed/worker";
import { WORKER_COMMAND } from "./bench/speed/workerProcess";
import { BENCH_INSERTION, benchInsertion } from "./benchInsertion";
import { BENCH_LATENCY, benchLatency } from "./benchLatency";
import { BENCH_LOAD, benchLoad } from "./benchLoad";
import { BENCH_SPEED, benchSpeed } from "./benchSpeed";
import { BENCH_TEXT, benchText } from "./benchText";
import { commandHelp, type CommandSpec } from "./commandLine";
import { COMPLETE, complete } from "./complete";
import type { Context } from "./context";
import { CliError, Interrupted, UsageError } from "./errors";
import { locateInstall } from "./install";
import { MODELS_GET, modelsGet } from "./models/get";
import { MODELS_LIST, modelsList } from "./models/list";
import {
  MODELS_CHECK,
  MODELS_REMOVE,
  MODELS_WHERE,
  modelsCheck,
  modelsRemove,
  modelsWhere,
} from "./models/manage";
import { Progress } from "./progress";

interface Command {
  readonly spec: CommandSpec;
  run(words: readonly string[], context: Context): Promise<void>;
}

const COMMANDS: readonly Command[] = [
  { spec: COMPLETE, run: complete },
  { spec: ATTRIBUTE, run: attribute },
  { spec: MODELS_LIST, run: modelsList },
  { spec: MODELS_GET, run: modelsGet },
  { spec: MODELS_WHERE, run: modelsWhere },
  { spec: MODELS_CHECK, run: modelsCheck },
  { spec: MODELS_REMOVE, run: modelsRemove },
  { spec: BENCH_SPEED, run: benchSpeed },
  { spec: BENCH_QUALITY, run: benchQuality },
  { spec: BENCH_LATENCY, run: benchLatency },
  { spec: BENCH_LOAD, run: benchLoad },
  { spec: BENCH_TEXT, run: benchText },
  { spec: BENCH_INSERTION, run: benchInsertion },
  { spec: BENCH_EVIDENCE, run: benchEvidence },
];

/** @param group the first word of the commands to be listed; absent: all */
function help(group?: string): string {
  const listed = COMMANDS.filter(({ spec }) => group === undefined || spec.name.split(" ")[0] === group);
  const width = Math.max(...listed.map(({ spec }) => spec.name.length)) + 2;
  return [
    ...(group === undefined
      ? ["Lacuna completes code with a local model that uses only the neurons your file needs.\n"]
      : []),
    `Usage: lacuna ${group === undefined ? "" : `${group} `}COMMAND [options]\n`,
    "Commands:",
    ...listed.map(({ spec }) => `  ${spec.name.padEnd(width)}${spec.summary}`),
    "\nSee `lacuna COMMAND --help`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\n",
  ].join("\n");
}

/** The first word of commands of two words. */
const isGroup = (word: string | undefined): word is string =>
  COMMANDS.some(({ spec }) => spec.name.startsWith(`${word} `));

async function run(words: readonly string[], context: Context): Promise<void> {
  if (words[0] === WORKER_COMMAND && process.send !== undefined) {
    return runWorker();
  }
  const command = COMMANDS.find(({ spec }) =>
    spec.name.split(" ").every((word, index) => words[index] === word),
  );
  if (command === undefined) {
    if (words.length === 0 || words[0] === "--help" || words[0] === "-h" || words[0] === "help") {
      context.output(help());
      return;
    }
    if (isGroup(words[0]) && (words[1] === undefined || ["--help", "-h", "help"].includes(words[1]))) {
      context.output(help(words[0]));
      return;
    }
    const name = isGroup(words[0]) ? words.slice(0, 2).join(" ") : words[0];
    throw new UsageError(`There is no command "${name}". See \`lacuna --help\`.`);
  }
  const rest = words.slice(command.spec.name.split(" ").length);
  if (rest.includes("--help") || rest.includes("-h")) {
    context.output(commandHelp(command.spec));
    return;
  }
  await command.run(rest, context);
}

/** The exit code; every failure is one line on stderr. */
async function main(words: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = (): void => {
    if (interrupt.signal.aborted) {
      process.exit(130); // a second Ctrl-C does not wait for cleaning up
    }
    interrupt.abort(new Interrupted());
  };
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onInterrupt);
  const progress = new Progress();
  const output = (text: string): void => void process.stdout.write(text);
  // A reader that goes away, such as `head`, is no error.
  process.stdout.on("error", () => process.exit(0));
  try {
    await run(words, { install: locateInstall(import.meta.url), progress, signal: interrupt.signal, output });
    return 0;
  } catch (error) {
    progress.end();
    if (interrupt.signal.aborted) {
      process.stderr.write("Interrupted.\n");
      return 130;
    }
    process.stderr.write(`lacuna: ${message(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function message(error: unknown): string {
  const known = error instanceof CliError || error instanceof UsageError || error instanceof EngineFailure;
  return known ? error.message : toEngineError(error).message;
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
