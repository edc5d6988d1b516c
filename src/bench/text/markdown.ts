import type { Estimate } from "../common/bootstrap";
import { difference, percent, percentWithInterval, table } from "../common/markdown";
import { RATES, type SystemReport, type TextReport, type Values } from "./report";

const HEADS = {
  firstLine: "first line exact",
  whole: "whole exact",
  right: "right as far as it goes",
  similarity: "edit similarity",
  firstLineSimilarity: "edit similarity, first line",
  empty: "nothing shown",
  lines: "lines shown",
  duplicatedLines: "duplicated lines",
  unbalanced: "unbalanced brackets",
  rejected: "parser rejects",
} as const;

/** In the tables as shares. */
const SHARES = ["firstLine", "whole", "right", "similarity", "firstLineSimilarity", "empty"] as const;
const BY_KIND = ["firstLine", "right", "similarity", "empty"] as const;

const shareCell = (estimate: Estimate): string =>
  Number.isNaN(estimate.mean) ? "–" : percentWithInterval(estimate);

/** For a terminal and for `docs/evidence`; every figure comes from the measurement. */
export function textMarkdown({
  environment: env,
  seed,
  contextSize,
  cases,
  rival,
  systems,
}: TextReport): string {
  const { model, machine } = env;
  const files = new Set(cases.map(({ file }) => file)).size;
  const languages = [...new Set(cases.map(({ language }) => language))].sort().join(", ");
  const kinds = [...new Set(cases.map(({ kind }) => kind))];
  const rows = (cells: (system: SystemReport) => readonly string[]): string[][] =>
    systems.map((system) => [system.name, ...cells(system)]);
  const shares = (names: readonly (keyof Values)[], of: (system: SystemReport) => Values): string =>
    table(
      ["", ...names.map((name) => HEADS[name])],
      rows((system) => names.map((name) => shareCell(of(system)[name]))),
    );
  const parts = [
    "# Text: what is shown where",
    "Holes cut from real files, and what each system would show at their beginnings, with the same model; 95 % intervals over the cases in " +
      "parentheses. Lacuna is all of it: prompt, anchor, healing, endings, filters. llama.vscode is done after its sources, with stock llama-server, but for the repair of AMX that ours has, too; greedy: the " +
      "most likely token each time, rather than its sampler's.",
    [
      `- command: \`${env.command}\``,
      `- commit: ${env.commit ?? "not a checkout"}, ${env.date}`,
      `- model: ${model.name}, ${(model.bytes / 1e6).toFixed(1)} MB, SHA-256 ${model.sha256.slice(0, 16)}; context ${contextSize}`,
      `- machine: ${machine.cpu}, ${machine.system}; ${machine.threads} ${machine.threads === 1 ? "thread" : "threads"}`,
      `- cases: ${cases.length} holes in ${files} files (${languages}), seed ${seed}`,
    ].join("\n"),
    "## The right text",
    shares(SHARES, ({ values }) => values),
    "*Right as far as it goes*: something is shown, and it is the hole's beginning, in whole lines. *Edit similarity*: 1 − Levenshtein distance / longer " +
      "length. Exact matches do not count white space at the end.",
    ...(rival === undefined
      ? []
      : [
          `Against ${rival} on the same cases, percentage points; bold where the 95 % interval leaves out zero:`,
          table(
            ["", ...SHARES.map((name) => HEADS[name])],
            systems
              .filter((system) => system.difference !== undefined)
              .map((system) => [system.name, ...SHARES.map((name) => difference(system.difference![name]))]),
          ),
        ]),
    "## Unwanted text",
    "Of what is shown: lines that copy the nearest line above or below; brackets without a partner that the author's text does not have; files that the " +
      "parser accepts with the author's text, and rejects with the suggestion.",
    table(
      ["", ...RATES.map((name) => HEADS[name]), HEADS.lines],
      rows(({ values }) => [...RATES.map((name) => shareCell(values[name])), values.lines.mean.toFixed(1)]),
    ),
    "## By kind of hole",
    ...kinds.flatMap((kind) => [
      `${kind} (${cases.filter((one) => one.kind === kind).length}):`,
      table(
        ["", ...BY_KIND.map((name) => HEADS[name])],
        rows(({ byKind }) => BY_KIND.map((name) => percent(byKind[kind]![name].mean))),
      ),
    ]),
  ];
  return `${parts.join("\n\n")}\n`;
}
