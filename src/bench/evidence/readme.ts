import { percent, table } from "../common/markdown";
import { pairedTables, type LatencyReport } from "../latency/report";
import { table as latencyTable } from "../latency/summary";
import type { QualityReport } from "../quality/report";
import { GUARD_SERIES } from "../quality/sections/engine";
import { STOCK } from "../speed/plan";
import type { SpeedReport } from "../speed/report";
import type { TextReport } from "../text/report";
import { qualityConclusions } from "./quality";
import { withInterval } from "./verdict";

/** What the benches have measured; what is absent was not. */
export interface Evidence {
  /** Of other models: what tokens read of them, above all. */
  readonly models?: readonly QualityReport[];
  /** Of the tests' model, which is small enough for everything to be measured. */
  readonly quality?: QualityReport;
  readonly speed?: SpeedReport;
  readonly latency?: LatencyReport;
  readonly text?: TextReport;
}

/** Of a document that {@link evidenceReadme} has written. */
export const WRITTEN = "Written by `lacuna bench evidence` from what the benches have measured";

/** The conclusions: every figure and every verdict is taken from the results. */
export function evidenceReadme(evidence: Evidence): string {
  const { models = [], quality, speed, latency, text } = evidence;
  const missing = [
    ...(quality === undefined ? ["quality"] : []),
    ...(speed === undefined ? ["speed"] : []),
    ...(latency === undefined ? ["latency"] : []),
    ...(text === undefined ? ["text"] : []),
  ];
  const absent = quality === undefined ? [] : SECTIONS.filter((name) => quality.sections[name] === undefined);
  return `${[
    "# What the evidence says",
    `${WRITTEN} ([how](#to-repeat-it)). Intervals are 95 %; "rise" is the relative rise of the loss over the dense model.`,
    ...(models.length === 0 ? [] : ["## What tokens read, and what it costs", ...models.flatMap(realModel)]),
    ...(quality === undefined
      ? []
      : ["## On the tests' model, everything", source(quality), ...qualityConclusions(quality)]),
    ...(speed === undefined ? [] : speedConclusions(speed)),
    ...(latency === undefined ? [] : latencyConclusions(latency)),
    ...(text === undefined ? [] : textConclusions(text)),
    "## Not measured",
    [
      ...missing.map((name) => `- \`bench ${name}\`: no results here`),
      ...(absent.length === 0 ? [] : [`- of \`bench quality\`: ${absent.join(", ")}`]),
      ...(speed === undefined || speed.notMeasured.length === 0
        ? []
        : [`- speed of ${speed.notMeasured.join(", ")}`]),
      "- CUDA: the bench has no GPU to run on",
    ].join("\n"),
    "## To repeat it",
    "    npm run build\n" +
      "    node dist/cli.mjs bench quality --jobs 2 --out docs/evidence    # --model and --files for your own\n" +
      "    node dist/cli.mjs bench quality --model FILE --files GLOB --sections engine --out docs/evidence/NAME    # a model that people use\n" +
      "    node dist/cli.mjs bench speed --shape all --quant all --out docs/evidence\n" +
      "    node dist/cli.mjs bench latency --out docs/evidence\n" +
      "    node dist/cli.mjs bench text --out docs/evidence\n" +
      "    node dist/cli.mjs bench evidence --out docs/evidence",
  ].join("\n\n")}\n`;
}

/** What a token reads of a model, and what that costs. */
function realModel({ environment, cases, engine = [], sections }: QualityReport): string[] {
  const { model, machine, commit, date } = environment;
  const languages = [...new Set(cases.map(({ language }) => language))].sort();
  const folder = model.name.replace(/\.gguf$/, "");
  const guard = sections.engine?.find(({ name }) => name === GUARD_SERIES)?.points ?? [];
  return [
    `**${folder}**: ${cases.length} holes in ${languages.length} languages (${languages.join(", ")}), the 64 tokens that the file has from each hole on, in the engine's own prompt; commit ` +
      `${commit ?? "unknown"}, ${date}, ${machine.cpu}. More in [quality.md](${folder}/quality.md).`,
    table(
      ["bytes of the FFN", "rise of the loss", "first choices as dense"],
      engine.map(({ bytes, rise, low, high, agree }) => [
        percent(bytes, 1),
        withInterval({ mean: rise, low, high }),
        percent(agree, 1),
      ]),
    ),
    ...(guard.length === 0
      ? []
      : [
          "What the guard lets through: " +
            guard
              .map(
                ({ x, values: { ratio, rise, kept, nearly } }) =>
                  `at a tolerance of ${percent(x, 0)} it chooses ${percent(ratio!.mean, 0)} of the FFN on average, the loss rises by ${withInterval(rise!)}, ` +
                  `and ${percent(kept!.mean, 0)} of the holes stay within it, ${percent(nearly!.mean, 0)} within 1.5 times`,
              )
              .join("; ") +
            ". The rise on 64 tokens of one hole scatters by more than the tolerance: it is the mean that the guard holds.",
        ]),
  ];
}

/** Sections of a full report. */
const SECTIONS = [
  "metrics",
  "completions",
  "variants",
  "oracles",
  "engine",
  "weights",
  "fim",
  "edits",
  "age",
  "neighbours",
  "activations",
  "rivals",
] as const;

function source({ environment: { model, machine, commit, date }, cases }: QualityReport): string {
  const files = new Set(cases.map(({ file }) => file)).size;
  return (
    `Quality: ${model.name} (${(model.bytes / 2 ** 20).toFixed(1)} MiB, sha256 \`${model.sha256.slice(0, 16)}\`), ${cases.length} holes in ${files} held-out files, commit ${commit ?? "unknown"}, ` +
    `${date}, ${machine.cpu}. Tables, plots and intervals: [quality.md](quality.md). A model as small as this one tolerates less than larger ones do.`
  );
}

function speedConclusions({ models, environment: { machine, date } }: SpeedReport): string[] {
  const measured = models.flatMap(({ model, ratios }) =>
    ratios
      .filter(({ name }) => name !== STOCK.name)
      .map(({ share, values: { decode, speedup, speedupLow, speedupHigh, limit, resident } }) => [
        model.replace(/\.gguf$/, ""),
        percent(share, 0),
        decode.toFixed(1),
        `${speedup.toFixed(2)} × (${speedupLow.toFixed(2)} to ${speedupHigh.toFixed(2)})`,
        `${limit.toFixed(2)} ×`,
        percent(speedup / limit, 0),
        (resident / 2 ** 20).toFixed(0),
      ]),
  );
  const attributed = models.filter(({ attribution }) => attribution.length > 0);
  const metrics = [...new Set(attributed.flatMap(({ attribution }) => attribution.map(({ name }) => name)))];
  const paid = attributed.map(({ model, attribution }) => [
    model.replace(/\.gguf$/, ""),
    ...metrics.map((metric) => {
      const values = attribution.find(({ name }) => name === metric)?.values;
      if (values === undefined) {
        return "not measured";
      }
      const seconds = ((values.forwardMs + values.backwardMs) / 1000).toFixed(1);
      return `${seconds} s, ${values.tokensUntilPaid < 0 ? "never" : values.tokensUntilPaid.toFixed(0)}`;
    }),
  ]);
  return [
    "## Speed",
    `Decoding by share of the FFN's bytes against stock node-llama-cpp, in turn on the same machine (${machine.cpu}, ${machine.threads} threads, ${date}). The limit is what reading fewer bytes alone would ` +
      "allow; what is beyond it comes from threads that are kept from token to token, as stock's are not ([why](../kernels.md#around-the-kernels)). Cold start, memory, threads and context: " +
      "[speed.md](speed.md).",
    table(
      ["", "of the FFN's bytes", "tokens/s", "against stock", "limit", "reached", "resident, MiB"],
      measured,
    ),
    ...(paid.length === 0
      ? []
      : [
          "What attribution of a window takes, and after how many decoded tokens it has paid for itself:",
          table(["", ...metrics], paid),
        ]),
  ];
}

function latencyConclusions(report: LatencyReport): string[] {
  const { systems, environment, rounds, speed } = report;
  const [head, ...rows] = latencyTable(systems);
  const wanted = /p50|p95|keys with|CPU|resident|prompt tokens/;
  return [
    "## Latency",
    `Someone typing, replayed against the engine and against llama.vscode's way with stock llama-server (${environment.model.name}, ${environment.machine.threads} threads, ${rounds} rounds at ${speed} times the pace, ${environment.date}): [latency.md](latency.md).`,
    table(
      head!,
      rows.filter(([label]) => wanted.test(label!)).map((row) => [...row]),
    ),
    ...pairedTables(report).flatMap(([names, ...times]) => [
      "Each over the keys that it has answered before the next; over those that both have:",
      table(
        [...names!],
        times.map((row) => [...row]),
      ),
    ]),
  ];
}

function textConclusions({ systems, cases, environment }: TextReport): string[] {
  return [
    "## What is shown",
    `${cases.length} holes, the same model for all (${environment.model.name}): [text.md](text.md).`,
    table(
      ["", "first line exact", "right as far as it goes", "edit similarity", "nothing shown"],
      systems.map(({ name, values }) => [
        name,
        ...[values.firstLine, values.right, values.similarity, values.empty].map(withInterval),
      ]),
    ),
  ];
}
