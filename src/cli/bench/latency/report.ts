import type { Environment } from "../quality/environment";
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
  const rows = table(report.systems);
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  "),
  );
  return `${[heading(report), ...lines].join("\n")}\n`;
}

/** For `docs/evidence`. */
export function markdownReport(report: LatencyReport): string {
  const sections = report.byTrace.flatMap(({ name, systems }) => [
    "",
    `## ${name}`,
    "",
    ...markdownTable(systems),
  ]);
  return [
    "# Latency: someone typing",
    "",
    `${heading(report)}.`,
    "",
    "Times run from a key to its suggestion, debouncing included, over the keys that were answered before the next one. The ratio is",
    "the second system's figure over Lacuna's.",
    "",
    ...markdownTable(report.systems),
    ...sections,
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

function markdownTable(systems: readonly SystemSummary[]): string[] {
  const [head, ...rows] = table(systems);
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
