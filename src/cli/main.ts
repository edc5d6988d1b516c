import { existsSync } from "node:fs";
import type * as Bench from "../bench/main";
import type { Command } from "../commandLine/command";
import { locateInstall } from "../commandLine/install";
import { isHelp, runCommands } from "../commandLine/run";
import { ATTRIBUTE, attribute } from "./attribute";
import { COMPLETE, complete } from "./complete";
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

const COMMANDS: readonly Command[] = [
  { spec: COMPLETE, run: complete },
  { spec: ATTRIBUTE, run: attribute },
  { spec: MODELS_LIST, run: modelsList },
  { spec: MODELS_GET, run: modelsGet },
  { spec: MODELS_WHERE, run: modelsWhere },
  { spec: MODELS_CHECK, run: modelsCheck },
  { spec: MODELS_REMOVE, run: modelsRemove },
];

/** `lacuna bench`, which no package holds: beside this bundle, or this file under a loader. */
async function laboratory(): Promise<typeof Bench | undefined> {
  const place = import.meta.url.endsWith(".mjs") ? "./bench.mjs" : "../bench/main.ts";
  const file = new URL(place, import.meta.url);
  return existsSync(file) ? ((await import(file.href)) as typeof Bench) : undefined;
}

async function main(words: readonly string[]): Promise<number> {
  const isBench = words[0]?.startsWith("bench") === true;
  const bench = isBench || isHelp(words[0]) ? await laboratory() : undefined;
  if (isBench && bench !== undefined) {
    return bench.runBench(words);
  }
  if (words[0] === "bench") {
    process.stderr.write("lacuna: The benchmarks are part of Lacuna's sources, not of this package.\n");
    return 1;
  }
  const elsewhere = bench?.BENCH_COMMANDS.map(({ spec }) => spec);
  return runCommands(COMMANDS, words, locateInstall(import.meta.url), elsewhere);
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
