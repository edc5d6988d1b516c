import { createHash } from "node:crypto";
import type { Aggregation, AttributionResult } from "../../engine/native";
import { createStudy, type Study, type StudyMask, type StudyResult } from "../../engine/study";
import { METRIC_NAMES, type Metric } from "../../sparsity/metrics";
import type { Hole } from "../common/holes";
import type { Point } from "../common/store";
import { MEASURED_TOKENS, PREFIX_TOKENS, type Lab } from "./lab";
import { Masks, type Scores } from "./masks";

/** How a mask's scores are found, where it differs from the plain way. */
export interface ScoreOptions {
  /** Tokens of the window (default: those that the model sees, {@link PREFIX_TOKENS}). */
  readonly window?: number;
  /** Tokens before the hole that were typed after the mask was made. */
  readonly age?: number;
  readonly aggregation?: Aggregation;
  /** `greedy`: labels are the dense model's own choices. */
  readonly labels?: "text" | "greedy";
}

/** Both come out of the same gradients. */
const TOGETHER: readonly Metric[] = ["corrected-gxo", "corrected-gxo-weighted"];

/** One hole in one file, with everything that sections measure on it computed at most once. */
export class CaseBench {
  readonly masks: Masks;
  /** Beginning of sequence, the prefix's last tokens, and those to predict. */
  readonly tokens: Int32Array;
  /** The position that predicts the first token after the prefix. */
  readonly from: number;
  private studied: Promise<Study> | undefined;
  private readonly attributed = new Map<string, Promise<AttributionResult>>();
  /** What masks lose, by {@link maskKey}: sections have some of them in common. */
  private readonly results = new Map<string, StudyResult>();

  private constructor(
    readonly lab: Lab,
    readonly hole: Hole,
    /** All tokens before the hole. */
    readonly before: readonly number[],
    next: readonly number[],
    private readonly igSteps: number,
    /** Whether integrated gradients, which take long, are measured on this case. */
    readonly withIg: boolean,
    private readonly signal: AbortSignal,
  ) {
    this.masks = new Masks(lab.rowMultiple);
    const prefix = lab.withBos(before.slice(-PREFIX_TOKENS));
    this.tokens = Int32Array.from([...prefix, ...next]);
    this.from = prefix.length - 1;
  }

  /** What the measured tokens stand for. */
  get measuredText(): string {
    const { model } = this.lab.session;
    const tokens = [...this.tokens] as unknown as Parameters<typeof model.detokenize>[0];
    return model.detokenize(tokens.slice(this.from + 1), false, tokens.slice(0, this.from + 1));
  }

  /** Undefined: there are too few tokens round the hole. */
  static create(
    lab: Lab,
    hole: Hole,
    ig: { readonly steps: number; readonly measured: boolean },
    signal: AbortSignal,
  ): CaseBench | undefined {
    const { tokenizer } = lab.session;
    const before = tokenizer.tokenize(hole.prefix);
    const next = tokenizer.tokenize((hole.middle + hole.suffix).slice(0, MEASURED_TOKENS * 16));
    return before.length < PREFIX_TOKENS || next.length < MEASURED_TOKENS
      ? undefined
      : new CaseBench(lab, hole, before, next.slice(0, MEASURED_TOKENS), ig.steps, ig.measured, signal);
  }

  study(): Promise<Study> {
    const { model, threads } = this.lab.session;
    return (this.studied ??= createStudy(model, this.tokens, {
      from: this.from,
      keepActivations: true,
      threads,
    }));
  }

  /** Scores by `metric`; all metrics of the plain way are computed together. */
  async scores(metric: Metric, options: ScoreOptions = {}): Promise<Scores> {
    const isPlain = Object.keys(options).length === 0 && metric !== "ig";
    const together = TOGETHER.includes(metric) ? TOGETHER : [metric];
    return (await (isPlain ? this.plain() : this.attribution(together, options))).neurons[metric]!;
  }

  /** As {@link scores}, of this metric alone: for those who need nothing else of the case. */
  async scoresAlone(metric: Metric): Promise<Scores> {
    return (await this.attribution([metric], {})).neurons[metric]!;
  }

  /** Scores and mean activations of the plain way: every metric but integrated gradients, which take long. */
  plain(): Promise<AttributionResult> {
    return this.attribution(
      METRIC_NAMES.filter((name) => name !== "ig"),
      {},
    );
  }

  private attribution(metrics: readonly Metric[], options: ScoreOptions): Promise<AttributionResult> {
    const key = JSON.stringify([metrics, options]);
    const known = this.attributed.get(key) ?? this.attribute(metrics, options);
    this.attributed.set(key, known);
    return known;
  }

  private async attribute(
    metrics: readonly Metric[],
    { window = PREFIX_TOKENS, age = 0, aggregation = "mean", labels = "text" }: ScoreOptions,
  ): Promise<AttributionResult> {
    const longest = this.lab.session.model.trainContextSize - 1;
    const known = this.before.slice(0, this.before.length - age);
    const tokens = this.lab.withBos(known.slice(-Math.min(window, longest)));
    const chosen = labels === "greedy" ? { labels: await this.greedy(tokens) } : {};
    return this.lab.attribute(tokens, {
      metrics,
      igSteps: this.igSteps,
      neuronsOnly: true,
      aggregation,
      ...chosen,
    });
  }

  /** What the dense model would have written at each of the tokens that are attributed. */
  private async greedy(tokens: readonly number[]): Promise<Int32Array> {
    const { model, threads } = this.lab.session;
    const study = await createStudy(model, Int32Array.from(tokens), { from: 0, threads });
    try {
      return study.dense.top1.slice(this.lab.firstLabel(tokens) - 1);
    } finally {
      study.dispose();
    }
  }

  /** What the masked model loses. */
  async point(
    series: string,
    x: number,
    layers: readonly StudyMask[],
    more: { readonly densePrefix?: boolean; readonly values?: Readonly<Record<string, number>> } = {},
  ): Promise<Point> {
    this.signal.throwIfAborted();
    const study = await this.study();
    const { densePrefix = true, values = {} } = more;
    const key = maskKey(layers, densePrefix);
    const result =
      key === undefined ? study.dense : (this.results.get(key) ?? (await study.run({ layers, densePrefix })));
    if (key !== undefined) {
      this.results.set(key, result);
    }
    return { series, x, values: { ...compare(study.dense, result), ...values } };
  }

  /** Frees what was computed; whatever is asked for again is computed again. */
  async dispose(): Promise<void> {
    const { studied } = this;
    this.studied = undefined;
    this.attributed.clear();
    this.results.clear();
    (await studied)?.dispose();
  }
}

/** Equal for masks that do the same; undefined for one that leaves nothing out. */
function maskKey(layers: readonly StudyMask[], densePrefix: boolean): string | undefined {
  const hash = createHash("sha1").update(densePrefix ? "d" : "m");
  let isDense = true;
  for (const { keep, means, tokenKeep, heads, choice } of layers) {
    const drops = keep?.includes(0) ?? false;
    isDense &&= !drops && tokenKeep === undefined && heads === undefined && choice === undefined;
    const { by = "", threshold = "", top = "", weights } = choice ?? {};
    hash.update(`|${by} ${threshold} ${top}`);
    for (const part of [drops ? keep : undefined, drops ? means : undefined, tokenKeep, heads, weights]) {
      hash.update(part === undefined ? "-" : `${part.length}:`);
      hash.update(part ?? "");
    }
  }
  return isDense ? undefined : hash.digest("base64");
}

/** Mean loss of both (nats per token), agreement of their first choices, KL (nats per token). */
export function compare(dense: StudyResult, masked: StudyResult): Record<string, number> {
  const loss = (result: StudyResult): number => -mean(result.logLikelihood);
  const same = dense.top1.filter((token, index) => token === masked.top1[index]).length;
  return {
    loss: loss(masked),
    dense: loss(dense),
    top1: same / dense.top1.length,
    kl: mean(masked.kl),
    active: mean(masked.active),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const mean = (values: Float32Array | Float64Array): number => sum(Array.from(values)) / values.length;
