import type { Environment } from "../common/environment";
import { pairedTable, type Paired } from "./paired";
import { phaseTable, promptTable, type WorkSummary } from "./phases";
import { table, type SystemSummary } from "./summary";

export interface LatencyReport {
  readonly environment: Environment;
  readonly traces: readonly {
    readonly name: string;
    readonly source: string;
    readonly events: number;
    readonly seconds: number;
  }[];
  readonly rounds: number;
  readonly speed: number;
  readonly contextSize: number;
  readonly systems: readonly SystemSummary[];
  /** The first system and the second one; absent: no key that both have answered. */
  readonly paired?: Paired;
  readonly byTrace: readonly { readonly name: string; readonly systems: readonly SystemSummary[] }[];
}

function heading({ environment, traces, rounds, speed, contextSize }: LatencyReport): string {
  const seconds = traces.reduce((sum, trace) => sum + trace.seconds, 0);
  return (
    `${environment.model.name}, context ${contextSize}, ${environment.machine.threads} threads; ` +
    `${traces.length} traces of ${seconds.toFixed(0)} s in all, ${rounds} rounds, at ${speed} times the pace`
  );
}

/** For a terminal. */
export function formatReport(report: LatencyReport): string {
  const tables = [table(report.systems), ...pairedTables(report), ...workTables(report.systems)];
  return `${[heading(report), ...tables.map(textTable)].join("\n\n")}\n`;
}

/** On the keys that two systems both have answered, where there are any. */
export function pairedTables({
  paired,
  systems: [own, rival],
}: LatencyReport): readonly (readonly (readonly string[])[])[] {
  return paired === undefined ? [] : [pairedTable(paired, [own!.name, rival!.name])];
}

/** Where the time goes of the keys that the model wrote for, by the systems that tell. */
const workTables = (systems: readonly SystemSummary[]): (readonly (readonly string[])[])[] =>
  systems.flatMap(({ work }) => (work === undefined ? [] : [phaseTable(work), promptTable(work)]));

function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  "),
  );
  return lines.join("\n");
}

/** For `docs/evidence`. */
export function markdownReport(report: LatencyReport): string {
  const sections = report.byTrace.flatMap(({ name, systems }) => [
    "",
    `## ${name}`,
    "",
    ...markdownTable(table(systems)),
  ]);
  return [
    "# Latency: someone typing",
    "",
    `${heading(report)}.`,
    "",
    "Times run from a key to its suggestion, debouncing included, over the keys that were answered before the next one. The ratio is",
    "the second system's figure over Lacuna's. The file has been open for a second before the first key. The server is built from stock",
    "sources with one of Lacuna's patches, without which AMX ends it (native/patches/llama.cpp/0008).",
    "",
    ...markdownTable(table(report.systems)),
    ...pairedTables(report).flatMap((rows) => [
      "",
      "## On the same keys",
      "",
      "Above, each system's times are over the keys that it has answered. Over those that both have answered before the next key:",
      "",
      ...markdownTable(rows),
    ]),
    ...sections,
    ...report.systems.flatMap(({ name, work }) => (work === undefined ? [] : workSection(name, work))),
    "",
    "## Where this comes from",
    "",
    ...environmentLines(report.environment),
    ...report.traces.map(
      ({ name, source, events, seconds }) =>
        `- trace ${name}: ${source}; ${events} events, ${seconds.toFixed(0)} s`,
    ),
    "",
  ].join("\n");
}

const workSection = (name: string, work: WorkSummary): string[] => [
  "",
  `## Where the time goes: ${name}`,
  "",
  `Over the ${work.keys} keys that were answered before the next one and that the model had to write for, from the key to its first`,
  "text. A key that comes while the model is writing pays only for what is left. Medians and percentiles of phases do not add up; means do.",
  "",
  ...markdownTable(phaseTable(work)),
  "",
  ...markdownTable(promptTable(work)),
];

function markdownTable([head, ...rows]: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head!), line(head!.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)];
}

function environmentLines({ command, commit, date, model, machine }: Environment): string[] {
  const { cpu, cores, memoryGiB, system, threads } = machine;
  return [
    `- command: \`${command}\``,
    `- commit: ${commit ?? "not a checkout"}, ${date}`,
    `- model: ${model.name}, ${(model.bytes / 1e6).toFixed(1)} MB, SHA-256 ${model.sha256.slice(0, 16)}`,
    `- machine: ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}; ${threads} threads`,
  ];
}
