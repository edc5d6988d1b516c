import { percent, table } from "../common/markdown";
import type { QualityReport } from "../quality/report";
import { ENGINE_SERIES, GUARD_SERIES } from "../quality/sections/engine";
import { FUSED, FUSED_WITHIN_LANGUAGE } from "../quality/sections/variants";
import type { Series } from "../quality/summary";
import {
  list,
  mean,
  points,
  riseAt,
  seriesOf,
  smallestWithin,
  valueAt,
  verdictOf,
  withInterval,
  type Verdict,
} from "./verdict";

const PAPER = "corrected-gxo";
/** Where metrics and variants are compared in words. */
const AT = 0.5;
/** The loss that the defaults tolerate. */
const LIMIT = 0.05;

const share = (x: number): string => percent(x, 0);

/** What follows from the measured quality: paragraphs of Markdown, each only where its section was measured. */
export function qualityConclusions(report: QualityReport): string[] {
  const { sections, metric } = report;
  return [
    ...product(sections.engine),
    ...metrics(sections.metrics, metric),
    ...oracles(sections.oracles, sections.metrics, metric),
    ...limits(report),
    ...defaults(report),
    ...reuse(report),
    ...rivals(sections.rivals),
  ];
}

function product(series: readonly Series[] | undefined): string[] {
  const engine = seriesOf(series, ENGINE_SERIES);
  const guard = seriesOf(series, GUARD_SERIES);
  if (engine === undefined) {
    return [];
  }
  const within = smallestWithin(engine, LIMIT);
  const rows = engine.points.filter(({ x }) => x < 1);
  const tolerated = guard?.points.find(({ x }) => x === LIMIT);
  return [
    "## The product",
    "What the engine does in the editor (every token chooses by the file's own weights what it reads), measured on the holes' own text:",
    table(
      ["of the FFN's bytes", ...rows.map(({ x }) => share(x))],
      [
        ["rise of the loss", ...rows.map(({ x }) => riseAt(engine, x))],
        ["first choices as dense", ...rows.map(({ x }) => mean(valueAt(engine, x, "top1")))],
      ],
    ),
    within === undefined || within.x === 1
      ? `**At no measured share does the loss stay under ${share(LIMIT)}.**`
      : `**The loss stays under ${share(LIMIT)} down to ${share(within.x)} of the FFN's bytes** (mean ${withInterval(within.values.rise!)}).`,
    ...(tolerated === undefined
      ? []
      : [
          `What the guard lets through: at a tolerance of ${share(LIMIT)} it chooses ${percent(tolerated.values.ratio!.mean, 0)} of the FFN on average; the loss then rises by ` +
            `${withInterval(tolerated.values.rise!)}, and ${percent(tolerated.values.kept!.mean, 0)} of ${tolerated.cases} holes stay within the tolerance. The mean is what it holds, not each single completion.`,
        ]),
  ];
}

function metrics(series: readonly Series[] | undefined, metric: string): string[] {
  const paper = seriesOf(series, PAPER);
  if (series === undefined || paper === undefined) {
    return [];
  }
  const shown = [0.2, 0.3, 0.5, 0.7].filter((x) => valueAt(paper, x, "rise") !== undefined);
  const ranked = [...series].sort(
    (a, b) => (valueAt(a, AT, "rise")?.mean ?? 0) - (valueAt(b, AT, "rise")?.mean ?? 0),
  );
  const most = Math.max(...series.flatMap((one) => one.points.map(({ cases }) => cases)));
  const by = (verdict: Verdict): string[] =>
    series
      .filter((one) => {
        const found = valueAt(one, AT, "difference");
        return found !== undefined && verdictOf(found) === verdict;
      })
      .map(({ name }) => name);
  const told = (verdict: Verdict): string => list(by(verdict));
  const gxo = valueAt(seriesOf(series, "gxo"), AT, "difference");
  return [
    "## Where Corrected GxO wins, and where not",
    `Rise of the loss with one mask for the file, by metric, best at ${share(AT)} first (dropped neurons zeroed; more in [quality.md](quality.md)):`,
    table(
      ["metric", ...shown.map(share)],
      ranked.map((one) => {
        const { cases } = one.points[0]!;
        const name = cases < most ? `${one.name} (${cases} cases)` : one.name;
        return [name, ...shown.map((x) => riseAt(one, x))];
      }),
    ),
    [
      `At ${share(AT)} of the neurons, on the same cases, Corrected GxO is beaten by ${told("better")}; it beats ${told("worse")}; no difference can be told from ${told("no difference")}.`,
      ...(gxo === undefined
        ? []
        : [
            verdictOf(gxo) === "worse"
              ? `The correction repairs GxO, as the paper says: without it the loss is ${points(gxo)} higher.`
              : `The correction does not help here: without it the loss differs by ${points(gxo)}.`,
          ]),
      conclusion(ranked, series, metric),
    ].join(" "),
  ];
}

/** Whether the default is the one that loses least. */
function conclusion(ranked: readonly Series[], series: readonly Series[], metric: string): string {
  const full = Math.max(...series.flatMap((one) => one.points.map(({ cases }) => cases)));
  const [best] = ranked.filter((one) => one.points[0]!.cases === full);
  const own = seriesOf(series, metric);
  if (best === undefined || own === undefined) {
    return "";
  }
  return best.name === metric
    ? `The default, ${metric}, loses least.`
    : `${best.name} loses least (${riseAt(best, AT)}); the default, ${metric}, ${riseAt(own, AT)}.`;
}

function oracles(
  series: readonly Series[] | undefined,
  metrics: readonly Series[] | undefined,
  metric: string,
): string[] {
  if (series === undefined) {
    return [];
  }
  const oracle = (name: string): Series | undefined => seriesOf(series, `per token, ${name}`);
  return [
    "## What a static mask gives away",
    `Chosen anew for every token by an oracle, ${share(0.2)} of the neurons lose ${riseAt(oracle(PAPER), 0.2)} by Corrected GxO (what the paper's code measures) and ` +
      `${riseAt(oracle("|x|"), 0.2)} by the size of their outputs alone; one mask for the file by ${metric} loses ${riseAt(seriesOf(metrics, metric), 0.2)}.`,
  ];
}

function limits({ sections, metric }: QualityReport): string[] {
  const lines = (
    [
      ["one mask for the file, Corrected GxO", seriesOf(sections.metrics, PAPER)],
      [`one mask for the file, ${metric}`, seriesOf(sections.metrics, metric)],
      ["oracle for each token, Corrected GxO", seriesOf(sections.oracles, `per token, ${PAPER}`)],
      ["the product (of the FFN's bytes)", seriesOf(sections.engine, ENGINE_SERIES)],
    ] as const
  ).filter(([, series]) => series !== undefined);
  return lines.length === 0
    ? []
    : [
        `## Where the loss stays under ${share(LIMIT)}`,
        table(
          ["way", "from this share on", "rise there"],
          lines.map(([name, series]) => {
            const found = smallestWithin(series, LIMIT);
            return [
              name,
              found === undefined || found.x === 1 ? "dense only" : share(found.x),
              found === undefined ? "–" : withInterval(found.values.rise!),
            ];
          }),
        ),
      ];
}

/** What each variant changes in the plain way, and what the product does. */
const SETTINGS: readonly {
  readonly variant: string;
  readonly plain: string;
  readonly product: string;
}[] = [
  ...["window of 64 tokens", "window of 128 tokens", "window of 512 tokens"].map((variant) => ({
    variant,
    plain: "window of 256 tokens",
    product: "256, round the cursor",
  })),
  {
    variant: "labels by the model's own choice",
    plain: "labels: the file's own tokens",
    product: "plain",
  },
  { variant: "scores of the mean", plain: "mean of per-token scores", product: "plain" },
  { variant: "norm-weighted scores", plain: "mean of per-token scores", product: "plain" },
  {
    variant: "correction by outgoing weight",
    plain: "the paper's correction",
    product: "no gradient metric",
  },
  { variant: "other files alone", plain: "no prior", product: "plain" },
  { variant: FUSED, plain: "no prior", product: "plain" },
  { variant: FUSED_WITHIN_LANGUAGE, plain: "no prior", product: "plain" },
  { variant: "budget by score mass", plain: "uniform budget", product: "uniform" },
  { variant: "budget by error", plain: "uniform budget", product: "uniform" },
  { variant: "sparse prefill, too", plain: "dense prefill", product: "plain" },
  { variant: "heads, too", plain: "all heads", product: "plain" },
  { variant: "mean left behind", plain: "dropped neurons zeroed", product: "plain" },
];

function defaults({ sections, metric }: QualityReport): string[] {
  const { variants } = sections;
  if (variants === undefined) {
    return [];
  }
  const rows = SETTINGS.flatMap(({ plain, variant, product }) => {
    const series = seriesOf(variants, `${metric}: ${variant}`) ?? seriesOf(variants, `${PAPER}: ${variant}`);
    const low = valueAt(series, 0.3, "difference");
    const middle = valueAt(series, AT, "difference");
    if (series === undefined || low === undefined || middle === undefined) {
      return [];
    }
    return [
      [
        plain,
        variant,
        series.name.split(": ")[0]!,
        points(low),
        points(middle),
        advice(low, middle),
        product,
      ],
    ];
  });
  return [
    "## Defaults",
    `What one change to the plain way does to the rise of the loss, at 30 and ${share(AT)} of the neurons, on the same cases. Better or worse: at one of them the interval leaves out zero, and at the other it does not say the opposite.`,
    table(["plain way", "change", "metric", "at 30 %", `at ${share(AT)}`, "the change", "the product"], rows),
  ];
}

function advice(...differences: readonly { mean: number; low: number; high: number }[]): string {
  const verdicts = differences.map(verdictOf);
  const isBetter = verdicts.includes("better");
  const isWorse = verdicts.includes("worse");
  return isBetter && !isWorse
    ? "**better**"
    : isWorse && !isBetter
      ? "worse"
      : isBetter
        ? "depends"
        : "no difference";
}

function reuse({ sections }: QualityReport): string[] {
  const name = "50 % of the neurons";
  const edits = seriesOf(sections.edits, name);
  const age = seriesOf(sections.age, name);
  const oldest = age?.points.at(-1);
  const sentences = [
    ...(edits === undefined
      ? []
      : [
          `A mask made for a version that is 70 % similar keeps ${mean(valueAt(edits, 0.7, "overlap"))} of the same neurons and loses ${riseAt(edits, 0.7)}, the file's own ${riseAt(edits, 1)}.`,
        ]),
    ...(oldest === undefined
      ? []
      : [
          `One that is ${oldest.x} tokens old loses ${riseAt(age, oldest.x)}, a fresh one ${riseAt(age, 0)}.`,
        ]),
    ...(["a neighbour", "the mean of all other files"] as const).flatMap((of) => {
      const series = seriesOf(sections.neighbours, of);
      return series === undefined
        ? []
        : [`That of ${of}: ${mean(valueAt(series, AT, "overlap"))} of the neurons, ${riseAt(series, AT)}.`];
    }),
  ];
  return sentences.length === 0
    ? []
    : ["## Masks of edited and other files", `At ${share(AT)} of the neurons. ${sentences.join(" ")}`];
}

function rivals(series: readonly Series[] | undefined): string[] {
  if (series === undefined || series.length === 0) {
    return [];
  }
  const one = (from: Series): { name: string; bits: number; bytes: number; ms: number } => {
    const { bits, bytes, ms, tokens } = from.points[0]!.values;
    return { name: from.name, bits: bits!.mean, bytes: bytes!.mean, ms: ms!.mean / tokens!.mean };
  };
  const all = series.map(one);
  const isOurs = (name: string): boolean => /^(mask for the file|the product)/.test(name);
  const sparse = all.filter(({ name }) => isOurs(name));
  const others = all.filter(({ name }) => !isOurs(name) && name !== "dense");
  const lines = sparse.map((own) => {
    const [rival] = others.filter(({ bytes }) => bytes <= own.bytes).sort((a, b) => a.bits - b.bits);
    return [
      own.name,
      (own.bytes / 2 ** 20).toFixed(1),
      own.bits.toFixed(3),
      own.ms.toFixed(2),
      rival === undefined
        ? "none"
        : `${rival.name}: ${(rival.bytes / 2 ** 20).toFixed(1)} MiB, ${rival.bits.toFixed(3)}, ${rival.ms.toFixed(2)} ms`,
      rival === undefined ? "–" : rival.bits < own.bits ? "the rival" : "sparsity",
    ];
  });
  const dense = all.find(({ name }) => name === "dense");
  return [
    "## Rivals",
    `Lower-bit quantisations of the same model and smaller dense models pruned from it, beside sparsity on the shipped file${dense === undefined ? "" : ` (dense: ${(dense.bytes / 2 ** 20).toFixed(1)} MiB, ${dense.bits.toFixed(3)} bits per byte, ${dense.ms.toFixed(2)} ms per token)`}. Sparsity and quantisation can be combined; alone, at no more memory:`,
    table(["", "weights, MiB", "bits per byte", "ms per token", "best rival of that size", "better"], lines),
  ];
}
