import type { ModelSpeed } from "./report";

const HEADINGS = [
  "",
  "decode tok/s",
  "x stock",
  "(95 %)",
  "limit",
  "reached",
  "MB/token",
  "prefill tok/s",
  "resident MiB",
  "pack ms",
  "cold start ms",
];

/** One model's ratios as a table for a terminal. */
export function formatSpeed({ model, ratios, attribution }: ModelSpeed): string {
  const lines = ratios.map(({ name, values }) => [
    name,
    values.decode.toFixed(2),
    values.speedup.toFixed(2),
    `${values.speedupLow.toFixed(2)}-${values.speedupHigh.toFixed(2)}`,
    values.limit.toFixed(2),
    `${((100 * values.speedup) / values.limit).toFixed(0)} %`,
    (values.bytes / 1e6).toFixed(0),
    values.prefill.toFixed(1),
    (values.resident / 2 ** 20).toFixed(0),
    values.packingMs.toFixed(0),
    values.coldStartMs.toFixed(0),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...lines.map((line) => line[column]!.length)),
  );
  const align = (line: readonly string[]): string =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ");
  const first = ratios[0];
  return [
    `${model}${first === undefined ? "" : `, ${first.threads} threads, prompt ${first.promptTokens} tokens`}`,
    ...(first === undefined ? [] : [align(HEADINGS), ...lines.map(align)]),
    ...attribution.map(
      ({ name, values }) =>
        `attribution by ${name}, ${values.window} tokens: forward ${values.forwardMs.toFixed(0)} ms, backward ${values.backwardMs.toFixed(0)} ms, ` +
        `peak ${(values.peak / 2 ** 20).toFixed(0)} MiB; paid for after ${values.tokensUntilPaid < 0 ? "no number of" : values.tokensUntilPaid.toFixed(0)} tokens`,
    ),
    "",
  ].join("\n");
}
