import { parseArgs } from "node:util";
import type { Context } from "./context";
import { UsageError } from "./errors";

export interface OptionSpec {
  /** Placeholder of its value; absent: a switch. */
  readonly value?: string;
  readonly help: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly details?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly string[];
}

/** What `lacuna` can be asked for. */
export interface Command {
  readonly spec: CommandSpec;
  run(words: readonly string[], context: Context): Promise<void>;
}

/** A command line's words, not yet understood. */
export interface Arguments {
  readonly positionals: readonly string[];
  flag(name: string): boolean;
  text(name: string): string | undefined;
  /** Throws a {@link UsageError} unless the value is a whole number in `min..max`. */
  integer(name: string, fallback: number, min: number, max: number): number;
}

const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: { help: "print the result as JSON" },
  help: { help: "show this help" },
};

export function parseCommand(spec: CommandSpec, words: readonly string[]): Arguments {
  const options = { ...spec.options, ...COMMON };
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  const { values, positionals } = parse(spec, words, config);
  const text = (name: string): string | undefined => values[name] as string | undefined;
  return {
    positionals,
    flag: (name) => values[name] === true,
    text,
    integer: (name, fallback, min, max) => {
      const word = text(name);
      const number = word === undefined ? fallback : Number(word);
      if (!Number.isInteger(number) || number < min || number > max) {
        throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not ${word}.`);
      }
      return number;
    },
  };
}

function parse(
  spec: CommandSpec,
  words: readonly string[],
  options: Record<string, { type: "string" | "boolean" }>,
): { readonly values: Record<string, unknown>; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    const reason = (error as Error).message.split(/\. |\n/, 1)[0]!;
    throw new UsageError(`${reason}. See \`lacuna ${spec.name} --help\`.`);
  }
}

export function commandHelp(spec: CommandSpec): string {
  const options = Object.entries({ ...spec.options, ...COMMON });
  const names = options.map(([name, { value }]) => `--${name}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...names.map((name) => name.length)) + 2;
  return [
    `${spec.summary}\n`,
    `Usage: lacuna ${spec.usage}\n`,
    ...(spec.details === undefined ? [] : [`${spec.details}\n`]),
    "Options:",
    ...options.map(([, { help }], index) => `  ${names[index]!.padEnd(width)}${help}`),
    "\nExamples:",
    ...spec.examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}
