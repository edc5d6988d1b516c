import { readFileSync } from "node:fs";
import { parseCommand, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { CliError, UsageError } from "../../commandLine/errors";
import { Shaper } from "../../completion/shaper";
import { countErrors } from "../../completion/syntaxTree";
import { grammarFolder } from "../../syntax/folder";
import { SyntaxParser } from "../../syntax/parser";
import { percentiles, type Percentiles } from "../common/percentiles";
import { generator, shuffled } from "../common/random";
import { matchingPaths } from "../common/sourceFiles";
import { accept } from "./accept";
import { bracketsByGrammar, bracketsByRules } from "./brackets";
import { cutInsertionHoles, hasEditorsClosers, HOLE_KINDS, type InsertionHole } from "./holes";
import { languageOfFile } from "./languages";
import { LONG_FILE, shapingTimes } from "./longFile";

export const BENCH_INSERTION: CommandSpec = {
  name: "bench insertion",
  usage: "bench insertion --files GLOB [--holes N] [--seed N] [--examples N] [--json]",
  summary: "Counts how often what the model writes rightly is inserted rightly.",
  details:
    "Cuts holes into real files and takes what stood there for the model's answer, with and without what an editor closes by itself. The file after\n" +
    "accepting it has to be what it was. For languages with a grammar it also compares the lexical rules with it, bracket by bracket, and for all it\n" +
    "measures what shaping a suggestion costs in a file of 10,000 lines (processor time, the least of three runs). Needs no model.",
  options: {
    files: { value: "GLOB", help: "cut holes into these files, whatever their languages" },
    holes: { value: "N", help: "holes in each language (default 2000)" },
    seed: { value: "N", help: "of the choice of files and holes (default 1)" },
    examples: {
      value: "N",
      help: "holes that are shown of those that went wrong, in each language (default 5)",
    },
  },
  examples: ["lacuna bench insertion --files '/usr/lib/python3/**/*.py'"],
};

interface LanguageResult {
  readonly language: string;
  readonly grammar: boolean;
  readonly holes: number;
  readonly wrong: number;
  /** Holes with the editor's closers right of the cursor, and those of them that went wrong. */
  readonly closed: { readonly holes: number; readonly wrong: number };
  /** Of the wrong ones: nothing was shown. */
  readonly nothing: number;
  /** Share of the brackets on which rules and grammar agree, 0..1; absent without a grammar. */
  readonly agreement?: number;
  /** Milliseconds of processor time. */
  readonly shaping: Pick<Percentiles, "p50" | "p99"> | undefined;
  /** A few of the wrong ones. */
  readonly examples: readonly string[];
}

const MAX_CHARACTERS = 150_000;
/** Files that make the long one. */
const LONG_OF = 12;
/** Times that holes are cut into a file, at other places each time. */
const ROUNDS = 20;

/** See {@link BENCH_INSERTION}. */
export async function benchInsertion(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(BENCH_INSERTION, words);
  const glob = args.text("files");
  if (args.positionals.length > 0 || glob === undefined) {
    throw new UsageError("Name the files with --files GLOB.");
  }
  const holes = args.integer("holes", 2_000, 1, 1_000_000);
  const seed = args.integer("seed", 1, 0, 2 ** 31);
  const most = args.integer("examples", 5, 0, 1_000_000);
  const byLanguage = new Map<string, string[]>();
  for (const file of matchingPaths(glob)) {
    const language = languageOfFile(file);
    if (language !== undefined) {
      byLanguage.set(language, [...(byLanguage.get(language) ?? []), file]);
    }
  }
  if (byLanguage.size === 0) {
    throw new CliError(`No file of a language that is known matches ${glob}.`);
  }
  const results: LanguageResult[] = [];
  for (const [language, paths] of byLanguage) {
    context.signal.throwIfAborted();
    context.progress.report("Inserting", results.length / byLanguage.size, `, ${language}`);
    const files = shuffled(paths, generator(seed))
      .map(readText)
      .filter((text) => text !== undefined);
    results.push(await measured(language, files, { holes, seed, most, root: context.install.root }));
  }
  context.progress.end();
  context.output(args.flag("json") ? `${JSON.stringify(results, undefined, 2)}\n` : markdown(results));
}

function readText(file: string): string | undefined {
  const text = readFileSync(file, "utf8").replaceAll("\r\n", "\n");
  return text.length > MAX_CHARACTERS || text.includes("\ufffd") ? undefined : text;
}

interface Options {
  readonly holes: number;
  readonly seed: number;
  /** Examples. */
  readonly most: number;
  readonly root: string;
}

async function measured(
  language: string,
  files: readonly string[],
  { holes, seed, most, root }: Options,
): Promise<LanguageResult> {
  const syntax = new SyntaxParser(grammarFolder(root));
  try {
    const grammar = await syntax.load(language);
    const shaper = new Shaper(syntax);
    let [count, wrong, nothing] = [0, 0, 0];
    const closed = { holes: 0, wrong: 0 };
    const examples: string[] = [];
    for (const hole of holesOf(files, language, holes, seed)) {
      const { file, first } = accept(hole, shaper);
      const isClosed = hasEditorsClosers(hole.kind);
      count++;
      closed.holes += isClosed ? 1 : 0;
      if (file !== hole.original) {
        wrong++;
        closed.wrong += isClosed ? 1 : 0;
        nothing += first === "" ? 1 : 0;
        const { prefix, suffix } = hole.place;
        examples.push(JSON.stringify(`${prefix.slice(-40)}│${hole.raw}│${suffix.slice(0, 30)} (${first})`));
      }
    }
    const agreement = grammar ? agreementOf(files, language, syntax) : undefined;
    const times = shapingTimes(files.slice(0, LONG_OF), language, () => {
      syntax.forget(LONG_FILE);
      return new Shaper(syntax);
    });
    return {
      ...{ language, grammar, holes: count, wrong, closed, nothing },
      ...(agreement === undefined ? {} : { agreement }),
      shaping: percentiles(times),
      examples: examples.slice(0, most),
    };
  } finally {
    syntax.dispose();
  }
}

/** As many as are wanted, about as many of each file; of few files there may be fewer. */
function* holesOf(
  files: readonly string[],
  language: string,
  count: number,
  seed: number,
): Generator<InsertionHole> {
  const each = Math.max(HOLE_KINDS.length, Math.ceil(count / files.length));
  const cut = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, text] of files.entries()) {
      for (const hole of cutInsertionHoles(text, language, String(index), each, seed + round)) {
        const key = `${index} ${hole.place.offset} ${hole.raw.length} ${hole.kind}`;
        if (cut.size === count) {
          return;
        }
        if (!cut.has(key)) {
          cut.add(key);
          yield hole;
        }
      }
    }
  }
}

/** In files that the grammar takes, of the brackets of which it says something. */
function agreementOf(files: readonly string[], language: string, syntax: SyntaxParser): number | undefined {
  let [same, all] = [0, 0];
  for (const text of files) {
    const tree = syntax.parse("", language, text, (root) =>
      countErrors(root) > 0 ? undefined : bracketsByGrammar(root, language),
    );
    syntax.forget("");
    if (tree !== undefined) {
      const rules = [...bracketsByRules(text, language)].filter((at) => !tree.isUndivided(at));
      same += rules.filter((at) => tree.code.has(at)).length;
      all += new Set([...rules, ...tree.code]).size;
    }
  }
  return all === 0 ? undefined : same / all;
}

const rate = (wrong: number, of: number): string =>
  of === 0 ? "" : `${(100 * (1 - wrong / of)).toFixed(2)} %`;

function markdown(results: readonly LanguageResult[]): string {
  const rows = results.map(({ language, grammar, holes, wrong, closed, nothing, agreement, shaping }) =>
    [
      language,
      grammar ? "yes" : "no",
      holes,
      rate(wrong, holes),
      rate(closed.wrong, closed.holes),
      rate(wrong - closed.wrong, holes - closed.holes),
      nothing,
      agreement === undefined ? "" : `${(100 * agreement).toFixed(2)} %`,
      shaping?.p50.toFixed(2) ?? "",
      shaping?.p99.toFixed(2) ?? "",
    ].join(" | "),
  );
  const head =
    "language | grammar | holes | right | with the editor's closers | without | nothing shown | brackets as the grammar has them | ms p50 | ms p99";
  const examples = results.flatMap((one) => one.examples.map((text) => `    ${one.language}: ${text}`));
  const table = [head, head.replace(/[^|]+/g, " --- "), ...rows].map((row) => `| ${row} |`).join("\n");
  return `${table}\n${examples.length === 0 ? "" : `\nWrong:\n\n${examples.join("\n")}\n`}`;
}
