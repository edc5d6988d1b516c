import path from "node:path";
import { prepareDirectory, writeFiles } from "../../commandLine/atomicFiles";
import { parseCommand, type Arguments, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { UsageError } from "../../commandLine/errors";
import { BENCH_GPU_OPTION, chooseBenchGpu } from "../../commandLine/gpu";
import { chooseModel } from "../../commandLine/install";
import { parseActive } from "../../commandLine/ratios";
import type { Gpu } from "../../engine/gpu";
import { grammarFolder } from "../../syntax/folder";
import { SyntaxParser } from "../../syntax/parser";
import { describeEnvironment } from "../common/environment";
import { LlamaServer } from "../common/llamaServer";
import { recordedCommand } from "../common/recordedCommand";
import { contextSizeOf, chooseServer } from "../common/setup";
import { heldOutFiles, matchingFiles } from "../common/sourceFiles";
import { SimulatedEditor } from "../latency/simulatedEditor";
import { cutCases, type TextCase } from "./cases";
import { LacunaText } from "./lacunaText";
import { LlamaVscodeText } from "./llamaVscodeText";
import { textMarkdown } from "./markdown";
import { measure, type Shown } from "./measures";
import { systemReports, textJson, type Answers, type TextReport } from "./report";
import type { TextSystemKind } from "./textSystem";

export const BENCH_TEXT: CommandSpec = {
  name: "bench text",
  usage:
    "bench text [--model PATH] [--files GLOB] [--cases N] [--seed N] [--server PATH|none] [--out DIR] [--json]",
  summary: "Compares what Lacuna shows with what llama.vscode with stock llama-server does.",
  details:
    "Cuts holes into real files and asks both what they would show there, with the same model: how often that is right, and how often\n" +
    "it is what nobody wants. The same cases, options and model give the same texts again. Build the server with\n" +
    "`npm run build:native -- --server`; it is found there. Writes text.json and text.md to --out.",
  options: {
    model: { value: "PATH", help: "GGUF model file (default: the one that comes with Lacuna)" },
    files: {
      value: "GLOB",
      help: "cut holes into these files (default: held-out files that no training saw)",
    },
    cases: { value: "N", help: "holes (default 120)" },
    seed: { value: "N", help: "of the holes, and of llama.vscode's sampler (default 1)" },
    server: { value: "PATH", help: "llama-server binary; `none`: measure Lacuna alone" },
    active: {
      value: "A,…",
      help: "sparsity of Lacuna, as of `lacuna complete`; several are measured one by one (default `dense`)",
    },
    "lead-lines": {
      value: "N,…",
      help: "whole lines that go after the middle token; several are measured one by one (default: the model's)",
    },
    "other-files": {
      value: "on|off",
      help: "show the model what the file imports and the files beside it (default on; `on,off`: both one by one)",
    },
    "context-size": { value: "N", help: "tokens of context for all (default 2048, at most the model's own)" },
    threads: { value: "N", help: "CPU threads (default 1)" },
    ...BENCH_GPU_OPTION,
    out: { value: "DIR", help: "also write the report there, as JSON and Markdown" },
  },
  examples: [
    "lacuna bench text --cases 60 --out evidence",
    "lacuna bench text --server none --lead-lines 0,1,3,6",
    "lacuna bench text --active dense,0.5,auto",
  ],
};

const RIVAL = "llama.vscode + llama-server";

interface Setup {
  readonly modelPath: string;
  readonly contextSize: number;
  readonly threads: number;
  readonly gpu: Gpu;
}

/** See {@link BENCH_TEXT}. */
export async function benchText(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(BENCH_TEXT, words);
  if (args.positionals.length > 0) {
    throw new UsageError(`What is ${args.positionals[0]}? Files are named with --files GLOB.`);
  }
  const { install, progress, signal, output } = context;
  const seed = args.integer("seed", 1, 0, 2 ** 31);
  const count = args.integer("cases", 120, 1, 10_000);
  const threads = args.integer("threads", 1, 1, 256);
  const modelPath = chooseModel(args.text("model"), install);
  const contextSize = contextSizeOf(modelPath, args.integer("context-size", 2_048, 256, 32_768));
  const server = chooseServer(args.text("server"), context);
  const gpu = chooseBenchGpu(args, server);
  const glob = args.text("files");
  const files = glob === undefined ? heldOutFiles(install.root) : matchingFiles(glob);
  const cases = cutCases(files, count, seed);
  const out = args.text("out");
  if (out !== undefined) {
    prepareDirectory(out, "Choose another --out.");
  }
  const syntax = new SyntaxParser(grammarFolder(install.root));
  try {
    for (const language of new Set(cases.map((one) => one.language))) {
      await syntax.load(language);
    }
    const setup = { modelPath, contextSize, threads, gpu };
    const kinds = [
      ...lacunaKinds(args, setup, syntax, context),
      ...(server === undefined ? [] : rivalKinds(server, seed, setup)),
    ];
    const answers: Answers[] = [];
    for (const [index, kind] of kinds.entries()) {
      const shown = await shownBy(kind, cases, signal, (share) => {
        progress.report("Completing", (index + share) / kinds.length, `, ${kind.name}`);
      });
      const measured = shown.map((one, at) => measure(one, cases[at]!, syntax));
      answers.push({ name: kind.name, texts: shown.map(({ text }) => text), measured });
    }
    progress.end();
    const rival = server === undefined ? {} : { rival: RIVAL };
    const report: TextReport = {
      environment: {
        ...describeEnvironment(install.root, modelPath, threads, {}),
        command: recordedCommand([...BENCH_TEXT.name.split(" "), ...words], install.root, process.cwd()),
      },
      seed,
      contextSize,
      cases: cases.map(({ id, file, language, kind, middle }) => ({
        id,
        file,
        language,
        kind,
        middle,
      })),
      ...rival,
      systems: systemReports(
        answers,
        cases.map(({ kind }) => kind),
        rival.rival,
      ),
    };
    const [json, markdown] = [textJson(report), textMarkdown(report)];
    if (out !== undefined) {
      writeFiles(
        path.resolve(out),
        new Map([
          ["text.json", json],
          ["text.md", markdown],
        ]),
      );
    }
    output(args.flag("json") ? json : markdown);
  } finally {
    syntax.dispose();
  }
}

async function shownBy(
  kind: TextSystemKind,
  cases: readonly TextCase[],
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<Shown[]> {
  onShare(0);
  const system = await kind.start(signal);
  const stop = (): void => void system.dispose();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const shown: Shown[] = [];
    for (const asked of cases) {
      signal.throwIfAborted();
      const { id, path: file, language, prefix, suffix } = asked;
      const editor = new SimulatedEditor(`file:///${id}/${file}`, language, {
        text: prefix + suffix,
        offset: prefix.length,
      });
      shown.push(await system.suggest(editor, asked, signal));
      onShare(shown.length / cases.length);
    }
    return shown;
  } finally {
    signal.removeEventListener("abort", stop);
    await system.dispose();
  }
}

function lacunaKinds(
  args: Arguments,
  setup: Setup,
  syntax: SyntaxParser,
  { install }: Context,
): TextSystemKind[] {
  const actives = (args.text("active") ?? "dense").split(",");
  const leads = args.text("lead-lines")?.split(",").map(parseLines) ?? [undefined];
  const others = (args.text("other-files") ?? "on").split(",").map(parseSwitch);
  const kinds: TextSystemKind[] = [];
  for (const leadLines of leads) {
    for (const otherFiles of others) {
      for (const active of actives) {
        const options = { syntax, sparsity: parseActive(active), otherFiles };
        const load = { ...setup, ...(leadLines === undefined ? {} : { leadLines }) };
        const parts = [
          "Lacuna",
          ...(options.sparsity === "dense" && actives.length === 1 ? [] : [active]),
          ...(leadLines === undefined ? [] : [`${leadLines} lead ${leadLines === 1 ? "line" : "lines"}`]),
          ...(otherFiles ? [] : ["this file alone"]),
        ];
        kinds.push({ name: parts.join(", "), start: () => LacunaText.start(install, load, options) });
      }
    }
  }
  return kinds;
}

function rivalKinds(binary: string, seed: number, setup: Setup): TextSystemKind[] {
  const start =
    (greedy: boolean): TextSystemKind["start"] =>
    async (signal) =>
      new LlamaVscodeText(await LlamaServer.start({ ...setup, binary }, signal), { seed, greedy });
  return [
    { name: RIVAL, start: start(false) },
    { name: `${RIVAL}, greedy`, start: start(true) },
  ];
}

function parseLines(word: string): number {
  const lines = word.trim() === "" ? NaN : Number(word);
  if (!Number.isInteger(lines) || lines < 0 || lines > 100) {
    throw new UsageError(`--lead-lines are whole numbers from 0 to 100, not ${word}.`);
  }
  return lines;
}

function parseSwitch(word: string): boolean {
  if (word !== "on" && word !== "off") {
    throw new UsageError(`--other-files is on, off, or both, not ${word}.`);
  }
  return word === "on";
}
