import { difference, percent, percentWithInterval, table } from "../common/markdown";
import { COMPARED_RATIOS, RATIOS } from "./masks";
import type { QualityReport } from "./report";
import { ENGINE_SERIES, GUARD_SERIES } from "./sections/engine";
import { WEIGHTS_RATIOS } from "./sections/weights";
import { pointAt, type Series, type SummaryPoint } from "./summary";

const NONE = "–";

type Cell = (point: SummaryPoint, series: Series) => string;

/** One row for each series, one column for each x. */
function grid(
  series: readonly Series[],
  xs: readonly number[],
  head: string,
  formatX: (x: number) => string,
  cell: Cell,
): string {
  const most = Math.max(...series.flatMap(({ points }) => points.map(({ cases }) => cases)));
  const rows = series.map((one) => [
    casesOf(one) < most ? `${one.name} (${casesOf(one)} cases)` : one.name,
    ...xs.map((x) => {
      const point = pointAt(one, x);
      return point === undefined ? NONE : cell(point, one);
    }),
  ]);
  return table([head, ...xs.map(formatX)], rows);
}

const casesOf = ({ points }: Series): number => points[0]!.cases;

const estimate =
  (name: string, digits: number, scale = 1): Cell =>
  ({ values }) => {
    const value = values[name];
    return value === undefined ? NONE : (scale * value.mean).toFixed(digits);
  };

const interval =
  (name: string): Cell =>
  ({ values }) =>
    values[name] === undefined ? NONE : percentWithInterval(values[name]);

const share = (x: number): string => percent(x, 0);
const xsOf = (series: readonly Series[]): number[] =>
  [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);

/** The text under each section's heading. */
export const SECTION_TEXTS: Readonly<
  Record<string, (series: readonly Series[], report: QualityReport) => string>
> = {
  metrics: (series) =>
    [
      "A mask fixed for the file, made from the 256 tokens before the hole; dropped neurons are zeroed, the prefix is dense.",
      "![Rise of the loss by metric](metrics.svg)",
      "Relative rise of the loss on the next 64 tokens, with the 95 % interval over the cases:",
      grid(series, RATIOS.slice(0, 5), "metric", share, interval("rise")),
      grid(series, RATIOS.slice(5), "metric", share, interval("rise")),
      "First choices that agree with the dense model's (%):",
      grid(series, RATIOS, "metric", share, estimate("top1", 1, 100)),
      "KL(dense ‖ masked), nats per token:",
      grid(series, RATIOS, "metric", share, estimate("kl", 3)),
    ].join("\n\n"),
  completions: (series) =>
    [
      "Greedy completions of the holes by the engine itself: dense prompt, packed FFN with the dropped neurons' mean left behind, at " +
        "most as many lines as the hole has and 64 tokens. BLEU is of sentences, in form the papers' table 1.",
      "![BLEU of completions by metric](completions.svg)",
      ...(
        [
          ["BLEU against the file's own text (%)", "bleu"],
          ["Edit similarity to the file's own text (%)", "similarity"],
          ["Exact matches with the file's own text (%)", "exact"],
          ["BLEU against the dense model's completion (%)", "bleuDense"],
          ["Edit similarity to the dense model's completion (%)", "similarityDense"],
          ["Exact matches with the dense model's completion (%)", "exactDense"],
        ] as const
      ).flatMap(([title, name]) => [
        `${title}:`,
        grid(series, RATIOS, "metric", share, estimate(name, 1, 100)),
      ]),
    ].join("\n\n"),
  variants: (series) =>
    [
      "A metric alone stands for the plain way: a window of 256 tokens, their own labels, the mean of per-token scores, the same ratio in every layer, " +
        "dropped neurons zeroed, dense prefix. Each variant changes what its name says. Rise of the loss, in percentage points over " +
        "its plain metric on the same cases (for that itself: the rise); bold where the 95 % interval of the difference leaves out zero.",
      grid(series, COMPARED_RATIOS, "variant", share, (point, one) =>
        point.values.difference === undefined
          ? interval("rise")(point, one)
          : difference(point.values.difference),
      ),
      "KL(dense ‖ masked), nats per token:",
      grid(series, COMPARED_RATIOS, "variant", share, estimate("kl", 3)),
    ].join("\n\n"),
  oracles: (series) =>
    [
      "Masks chosen anew for every token by what cannot be known before it is computed: bounds, not products. By gradient: towards the token that the " +
        "dense model is about to choose, of each token alone, as the released code does it. What lifts that token also sharpens the " +
        "distribution, which agreement rewards and the loss does not.",
      "![Rise of the loss with oracle masks](oracles.svg)",
      "Rise of the loss:",
      grid(series, RATIOS.slice(0, 5), "oracle", share, interval("rise")),
      grid(series, RATIOS.slice(5), "oracle", share, interval("rise")),
      "First choices that agree with the dense model's (%):",
      grid(series, RATIOS, "oracle", share, estimate("top1", 1, 100)),
    ].join("\n\n"),
  fim: (series) =>
    [
      "The loss where it counts: on the hole's own text and the end after it, in a fill-in-the-middle prompt. The mask is made from the 256 tokens " +
        "before the hole as plain text, or from the same tokens with a hole of their own in the model's fill-in-the-middle form (labels: that hole's " +
        "text and its end). Mean left behind, but where it says zeroed.",
      "Rise of the loss:",
      grid(series, COMPARED_RATIOS, "mask", share, interval("rise")),
      "First choices that agree with the dense model's (%):",
      grid(series, COMPARED_RATIOS, "mask", share, estimate("top1", 1, 100)),
    ].join("\n\n"),
  engine: (series) => {
    const engine = series.filter(({ name }) => name === ENGINE_SERIES);
    const guard = series.find(({ name }) => name === GUARD_SERIES);
    return [
      "The product itself: every token chooses by the file's own weights what it reads, in the engine's own prompt. Loss and agreement on the 64 tokens that the file has " +
        "from the hole on, but for the first, which comes out of the dense prompt.",
      "![Rise of the loss by bytes of the FFN](engine.svg)",
      table(
        ["asked for", "bytes of the FFN read", "rise of the loss", "top-1 agreement"],
        (engine[0]?.points ?? []).map((point) => [
          share(point.x),
          percent(point.values.bytes!.mean, 1),
          interval("rise")(point, engine[0]!),
          estimate("top1", 1, 100)(point, engine[0]!),
        ]),
      ),
      "What the guard lets through. It chooses the smallest share that keeps the rise of the loss within the tolerance on other tokens of the file, together with all " +
        "larger ones, or all of the FFN. What that then does at the hole:",
      table(
        [
          "tolerance",
          "share chosen",
          "rise of the loss",
          "within the tolerance",
          "within 1.5 times",
          "top-1 agreement",
        ],
        (guard?.points ?? []).map((point) => [
          share(point.x),
          percent(point.values.ratio!.mean, 0),
          interval("rise")(point, guard!),
          `${percent(point.values.kept!.mean, 0)} of ${point.cases} cases`,
          percent(point.values.nearly!.mean, 0),
          estimate("top1", 1, 100)(point, guard!),
        ]),
      ),
    ].join("\n\n");
  },
  weights: (series) =>
    [
      "A token chooses by |u| and |silu(g)·u|, each times a weight of the neuron: the metric's score in the window, in relation to the size of u or of silu(g)·u there. Rise of the " +
        "loss on the same tokens, by share of the FFN's bytes:",
      grid(series, WEIGHTS_RATIOS, "weights", share, interval("rise")),
      "First choices that agree with the dense model's (%):",
      grid(series, WEIGHTS_RATIOS, "weights", share, estimate("top1", 1, 100)),
    ].join("\n\n"),
  edits: (series) =>
    [
      "The mask was made for an earlier version of the window, less similar by replaced lines (Jaccard similarity of shingles, as masks are looked up by).",
      "Neurons that both masks keep (%):",
      grid(series, xsOf(series), "similarity", share, estimate("overlap", 1, 100)),
      "Similarity as it came out (%):",
      grid(series, xsOf(series), "similarity", share, estimate("similarity", 1, 100)),
      "Rise of the loss:",
      grid(series, xsOf(series), "similarity", share, interval("rise")),
    ].join("\n\n"),
  age: (series) =>
    [
      "The mask was made before the last tokens were typed.",
      "Neurons that both masks keep (%):",
      grid(series, xsOf(series), "tokens typed since", String, estimate("overlap", 1, 100)),
      "Rise of the loss:",
      grid(series, xsOf(series), "tokens typed since", String, interval("rise")),
    ].join("\n\n"),
  neighbours: (series) =>
    [
      "The mask was made for another file. Neurons that it shares with the file's own mask (%), and the rise of the loss:",
      grid(series, xsOf(series), "mask of", share, estimate("overlap", 1, 100)),
      grid(series, xsOf(series), "mask of", share, interval("rise")),
    ].join("\n\n"),
  activations: (series) => {
    const enforced = series.filter(({ name }) => name.startsWith("enforced"));
    const sizes = series.filter(({ name }) => name.startsWith("|x|"));
    const norms = series.filter(({ name }) => name.startsWith("‖w‖"));
    const shown = [0.1, 0.3, 0.5, 0.7, 0.9, 0.99];
    const relative =
      (digits: number): Cell =>
      (point, one) =>
        (point.values.size!.mean / pointAt(one, 0.5)!.values.size!.mean).toFixed(digits);
    return [
      "Size of activations |x| at percentiles, over the layer's median:",
      "![Distribution of |x|](activations.svg)",
      grid(sizes, shown, "percentile", share, relative(2)),
      "Norms of the neurons' outgoing weights ‖w‖, likewise:",
      grid(norms, shown, "percentile", share, relative(2)),
      "Every activation below the layer's α-percentile (in other files) zeroed:",
      "![Loss by enforced thresholds](thresholds.svg)",
      table(
        ["α", "zeroed", "rise of the loss", "top-1 agreement", "KL"],
        (enforced[0]?.points ?? []).map((point) => [
          share(point.x),
          percent(point.values.sparsity!.mean),
          interval("rise")(point, enforced[0]!),
          estimate("top1", 3)(point, enforced[0]!),
          estimate("kl", 3)(point, enforced[0]!),
        ]),
      ),
    ].join("\n\n");
  },
  rivals: (series) =>
    [
      "All run by the engine on this machine, on the same cases. Bits per byte of the measured text; KL and agreement against the dense model; completions against the file's own text; " +
        "weights in memory while decoding (with the dense FFN out of memory where a packed one takes its place). Pruned for all files: a smaller dense model made of this one, " +
        "with the neurons that score best in the other files and no others.",
      "![Quality against time per token](rivals.svg)",
      "![Quality against memory](rivals-memory.svg)",
      table(
        [
          "",
          "bits per byte",
          "KL",
          "top-1 agreement",
          "exact",
          "edit similarity",
          "ms per token",
          "weights, MiB",
        ],
        series.map((one) => {
          const point = one.points[0]!;
          const number = (name: string, digits: number, scale = 1): string =>
            estimate(name, digits, scale)(point, one);
          return [
            one.name,
            number("bits", 3),
            number("kl", 4),
            number("top1", 3),
            number("exact", 3),
            number("similarity", 3),
            msPerToken(one).toFixed(2),
            number("bytes", 1, 2 ** -20),
          ];
        }),
      ),
    ].join("\n\n"),
};

export function msPerToken({ points }: Series): number {
  const { ms, tokens } = points[0]!.values;
  return ms!.mean / tokens!.mean;
}
