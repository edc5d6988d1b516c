import type { MemoryStats } from "../../engine/protocol";
import type { Attributed, Configuration, Round, Started } from "./messages";
import { median, spread, type Spread } from "./statistics";

export interface Measured {
  readonly configuration: Configuration;
  readonly started: Started;
  readonly rounds: readonly Round[];
  /** From the start of the process to the first token of the first prompt. */
  readonly coldStartMs: number;
}

export interface Row {
  readonly name: string;
  readonly activeRatio: number;
  /** Tokens per second. */
  readonly prefill: Spread;
  readonly decode: Spread;
  /** Decode speed over stock's of the same round; median over the rounds. */
  readonly speedup: number;
  readonly bytesPerToken: number;
  /** Stock's bytes per token over these: what decoding could gain if it only read weights. */
  readonly byteRatioLimit: number;
  readonly shareOfLimit: number;
  readonly memory: MemoryStats;
  readonly packingMs: number;
  readonly loadMs: number;
  readonly coldStartMs: number;
}

export interface Report {
  readonly model: string;
  readonly threads: number;
  readonly promptTokens: number;
  readonly decodeTokens: number;
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly attribution: Attributed | undefined;
}

const decodeSpeed = ({ tokenMs }: Round): number => 1000 / median(tokenMs);

/** @param measured stock first */
export function rowsOf(measured: readonly Measured[], promptTokens: number): Row[] {
  const stock = measured[0]!;
  const stockSpeeds = stock.rounds.map(decodeSpeed);
  return measured.map(({ configuration, started, rounds, coldStartMs }) => {
    const speeds = rounds.map(decodeSpeed);
    const speedup = median(speeds.map((speed, round) => speed / stockSpeeds[round]!));
    const { memory, bytesPerToken } = rounds.at(-1)!;
    const byteRatioLimit = stock.rounds.at(-1)!.bytesPerToken / bytesPerToken;
    return {
      name: configuration.name,
      activeRatio: configuration.activeRatio,
      prefill: spread(rounds.map(({ prefillMs }) => (1000 * promptTokens) / prefillMs)),
      decode: spread(speeds),
      speedup,
      bytesPerToken,
      byteRatioLimit,
      shareOfLimit: speedup / byteRatioLimit,
      memory,
      packingMs: started.packingMs,
      loadMs: started.loadMs,
      coldStartMs,
    };
  });
}

const HEADINGS = [
  "",
  "decode tok/s",
  "(min-max)",
  "x stock",
  "limit",
  "reached",
  "MB/token",
  "prefill tok/s",
  "resident MiB",
  "packed MiB",
  "pack ms",
  "cold start ms",
];

/** The report as a table for people. */
export function formatReport(report: Report): string {
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const lines = report.rows.map((row) => [
    row.name,
    row.decode.median.toFixed(2),
    `${row.decode.min.toFixed(2)}-${row.decode.max.toFixed(2)}`,
    row.speedup.toFixed(2),
    row.byteRatioLimit.toFixed(2),
    `${(100 * row.shareOfLimit).toFixed(0)} %`,
    (row.bytesPerToken / 1e6).toFixed(0),
    row.prefill.median.toFixed(1),
    mebibytes(row.memory.residentBytes),
    mebibytes(row.memory.packedBytes),
    row.packingMs.toFixed(0),
    row.coldStartMs.toFixed(0),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...lines.map((line) => line[column]!.length)),
  );
  const align = (line: readonly string[]): string =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ");
  const { attribution } = report;
  return [
    `${report.model}, ${report.threads} threads, prompt ${report.promptTokens} tokens, ` +
      `${report.decodeTokens} decoded, ${report.rounds} rounds interleaved; medians`,
    align(HEADINGS),
    ...lines.map(align),
    ...(attribution === undefined
      ? []
      : [
          `attribution of ${attribution.tokens} tokens: forward ${attribution.forwardMs.toFixed(0)} ms, ` +
            `backward ${attribution.backwardMs.toFixed(0)} ms, peak ${mebibytes(attribution.peakBytes)} MiB`,
        ]),
    "",
  ].join("\n");
}
