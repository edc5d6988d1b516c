import { EngineFailure, toEngineError } from "../engine/errors";
import { DownloadError } from "../models/download/errors";
import { commandHelp, type Command, type CommandSpec } from "./command";
import type { Context } from "./context";
import { CliError, Interrupted, UsageError } from "./errors";
import type { Install } from "./install";
import { Progress } from "./progress";

/**
 * Runs the command that the words name. Every failure is one line on stderr.
 * @param elsewhere commands that another program runs, for the list of all
 * @returns the exit code
 */
export async function runCommands(
  commands: readonly Command[],
  words: readonly string[],
  install: Install,
  elsewhere: readonly CommandSpec[] = [],
): Promise<number> {
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
    const context = { install, progress, signal: interrupt.signal, output };
    await run(commands, elsewhere, words, context);
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

/** Whether the words ask for the list of all commands, or of a group's. */
export const isHelp = (word: string | undefined): boolean =>
  word === undefined || ["--help", "-h", "help"].includes(word);

async function run(
  commands: readonly Command[],
  elsewhere: readonly CommandSpec[],
  words: readonly string[],
  context: Context,
): Promise<void> {
  const command = commands.find(({ spec }) =>
    spec.name.split(" ").every((word, index) => words[index] === word),
  );
  if (command === undefined) {
    const specs = [...commands.map(({ spec }) => spec), ...elsewhere];
    if (isHelp(words[0])) {
      context.output(overview(specs));
      return;
    }
    /** Of commands of two words. */
    const group = specs.filter(({ name }) => name.startsWith(`${words[0]} `));
    if (group.length > 0 && isHelp(words[1])) {
      context.output(overview(group, words[0]));
      return;
    }
    const name = group.length > 0 ? words.slice(0, 2).join(" ") : words[0];
    throw new UsageError(`There is no command "${name}". See \`lacuna --help\`.`);
  }
  const rest = words.slice(command.spec.name.split(" ").length);
  if (rest.includes("--help") || rest.includes("-h")) {
    context.output(commandHelp(command.spec));
    return;
  }
  await command.run(rest, context);
}

/** @param group the first word of all of them; absent: Lacuna's whole list */
function overview(specs: readonly CommandSpec[], group?: string): string {
  const width = Math.max(...specs.map(({ name }) => name.length)) + 2;
  return [
    ...(group === undefined
      ? ["Lacuna completes code with a local model that uses only the neurons your file needs.\n"]
      : []),
    `Usage: lacuna ${group === undefined ? "" : `${group} `}COMMAND [options]\n`,
    "Commands:",
    ...specs.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "\nSee `lacuna COMMAND --help`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\n",
  ].join("\n");
}

function message(error: unknown): string {
  const known =
    error instanceof CliError ||
    error instanceof UsageError ||
    error instanceof EngineFailure ||
    error instanceof DownloadError;
  return known ? error.message : toEngineError(error).message;
}
