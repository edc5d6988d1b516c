import { describeMachine, type Bench } from "../common/environment";
import { percent, table } from "../common/markdown";
import type { SpeedRow } from "./measure";
import { SLICE_TOKENS } from "./messages";
import { TABLE_QUANTS, TABLE_SHAPES, TYPICAL } from "./plan";
import type { SpeedRecord } from "./records";
import { isOf, type ModelSpeed, type SpeedReport } from "./report";

export const NOT_MEASURED = "not measured";

type Row = SpeedRecord<SpeedRow>;

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
const seconds = (ms: number): string => (ms / 1000).toFixed(2);

/** `1.52 (1.49 to 1.55)` */
const speedup = ({ values: { speedup: times, speedupLow, speedupHigh } }: Row): string =>
  `${times.toFixed(2)} (${speedupLow.toFixed(2)} to ${speedupHigh.toFixed(2)})`;

const nameOf = ({ name, share }: Row): string =>
  name === "stock" ? "stock" : `${percent(share, 0)} of the FFN's bytes`;

/** Everything that was measured on this machine, as Markdown. */
export function speedMarkdown({ environment, models }: SpeedReport): string {
  const parts = [
    "# Speed of sparse decoding",
    "Written by the command below, from rows that are kept and continued; [speed.json](speed.json) has every figure. [README.md](README.md) says what follows.",
    environmentLines(environment),
    "## Overview",
    `Decoding against stock node-llama-cpp with ${percent(TYPICAL.activeRatio, 0)} of the FFN's bytes, and share of the limit that it reaches:`,
    overview(models, (row) => `${row.values.speedup.toFixed(2)}, ${percent(reached(row), 0)}`),
    "![Speed-up against the limit](speed.svg)",
    [
      `Stock and a configuration run side by side in two processes and decode ${SLICE_TOKENS} tokens in turn, at the same positions. Each slice is compared with the two of stock beside it; ` +
        "the figure is the median of those ratios with its 95 % interval. The weights are random, of the shape that is named: what they say does not matter, what is read does.",
      "Stock is what node-llama-cpp does by itself: every neuron, weights repacked where that is faster, threads that end with every token. It runs in this build, so it has the gains of our patches to " +
        "ggml's own products. Where a configuration passes the limit, that is what keeping its threads from token to token adds ([why](../kernels.md#around-the-kernels)).",
      "The limit is stock's bytes per token over the configuration's own, as if nothing counted but reading them: all of attention, the output projection, the cache at that " +
        "position, and of the FFN what it chooses. Computing, and rows that are not next to each other, keep it from being reached.",
      "Cold start: from the start of the process to the first token, and to the last of those decoded after it, loading, packing and a dense prompt included, with a mask that is remembered and the file in the " +
        "system's page cache. Resident: after that, with the dense FFN out of memory where a packed one takes its place.",
    ].join("\n\n"),
  ];
  for (const model of models.filter(({ ratios }) => ratios.length > 0)) {
    parts.push(`## ${model.model.replace(/\.gguf$/, "")}`, ...ratioTables(model.ratios));
  }
  parts.push(
    "## Threads",
    comparison(models, "threads", "threads", ({ threads }) => threads),
  );
  parts.push(
    "## Context",
    comparison(models, "context", "tokens before it", ({ promptTokens }) => promptTokens),
  );
  parts.push("## What attribution costs", attribution(models));
  parts.push("## CUDA", cuda());
  return `${parts.join("\n\n")}\n`;
}

function environmentLines({ command, commit, versions, machine, date }: Bench): string {
  return [
    `- command: \`${command}\``,
    `- commit: ${commit ?? "unknown"}, ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
    `- machine: ${describeMachine(machine)}; ${date}`,
  ].join("\n");
}

/** One row for each shape, one column for each quantisation, at the share of the bytes that is typical. */
export function overview(models: readonly ModelSpeed[], cell: (row: Row) => string): string {
  return table(
    ["", ...TABLE_QUANTS],
    TABLE_SHAPES.map((shape) => [
      shape,
      ...TABLE_QUANTS.map((quant) => {
        const model = models.find((one) => isOf(one.model, `${shape} ${quant}`));
        const row = model?.ratios.find(({ name }) => name === TYPICAL.name);
        return row === undefined ? NOT_MEASURED : cell(row);
      }),
    ]),
  );
}

const reached = ({ values: { speedup: times, limit } }: Row): number => times / limit;

function ratioTables(rows: readonly Row[]): string[] {
  const { threads, promptTokens, decodeTokens } = rows[0]!;
  return [
    `${threads} ${threads === 1 ? "thread" : "threads"}, prompt of ${promptTokens} tokens.`,
    table(
      ["", "decode, tok/s", "against stock", "limit", "reached", "pairs", "prefill, tok/s", "against stock"],
      rows.map((row) => [
        nameOf(row),
        row.values.decode.toFixed(1),
        speedup(row),
        row.values.limit.toFixed(2),
        percent(reached(row), 0),
        String(row.values.pairs),
        row.values.prefill.toFixed(0),
        row.values.prefillRatio.toFixed(2),
      ]),
    ),
    table(
      [
        "",
        "first token, s",
        `${decodeTokens} more, s`,
        "resident, MiB",
        "packed, MiB",
        "packing, ms",
        "MB per token: attention",
        "output",
        "FFN",
        "cache",
      ],
      rows.map((row) => {
        const { values } = row;
        const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
        return [
          nameOf(row),
          seconds(values.coldStartMs),
          seconds(values.coldTotalMs),
          mebibytes(values.resident),
          mebibytes(values.packed),
          values.packingMs.toFixed(0),
          megabytes(values.attention),
          megabytes(values.output),
          megabytes(values.ffn),
          megabytes(values.cache),
        ];
      }),
    ),
  ];
}

function comparison(
  models: readonly ModelSpeed[],
  experiment: "threads" | "context",
  head: string,
  at: (row: Row) => number,
): string {
  const lines = models.flatMap((model) =>
    model[experiment].map((row) => [
      model.model.replace(/\.gguf$/, ""),
      String(at(row)),
      nameOf(row),
      row.values.decode.toFixed(1),
      row.name === "stock" ? "1" : speedup(row),
      row.values.limit.toFixed(2),
      row.values.prefill.toFixed(0),
    ]),
  );
  return lines.length === 0
    ? `Not measured (\`--measure ${experiment}\`).`
    : table(["model", head, "", "decode, tok/s", "against stock", "limit", "prefill, tok/s"], lines);
}

function attribution(models: readonly ModelSpeed[]): string {
  const lines = models.flatMap(({ model, attribution: rows }) =>
    rows.map(({ name, values }) => [
      model.replace(/\.gguf$/, ""),
      name,
      values.forwardMs.toFixed(0),
      values.backwardMs.toFixed(0),
      mebibytes(values.peak),
      values.packingMs.toFixed(0),
      values.savedMs.toFixed(2),
      values.tokensUntilPaid < 0 ? "never" : values.tokensUntilPaid.toFixed(0),
    ]),
  );
  if (lines.length === 0) {
    return "Not measured (`--measure attribution`).";
  }
  const window = models.flatMap(({ attribution: rows }) => rows)[0]!.values.window;
  return [
    `Of a window of ${window} tokens. It has paid for itself, packing included, after so many tokens decoded at ${percent(TYPICAL.activeRatio, 0)} of the FFN's bytes:`,
    table(
      [
        "model",
        "metric",
        "forward, ms",
        "backward, ms",
        "peak, MiB",
        "packing, ms",
        "saved per token, ms",
        "tokens",
      ],
      lines,
    ),
  ].join("\n\n");
}

/** The bench runs on the CPU; nothing of this table is known without a GPU. */
function cuda(): string {
  return table(
    ["qwen2.5-coder-7b", "decode, tok/s", "against stock CUDA llama.cpp"],
    ["F16", "Q8_0", "Q4_K_M"].map((quant) => [quant, NOT_MEASURED, NOT_MEASURED]),
  );
}
