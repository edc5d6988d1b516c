import { isRatio, massBudget, uniformBudget } from "../sparsity/budget";
import { chooseRatio, curvePoint, type CurvePoint } from "../sparsity/guard";
import { heatmap, type LayerMask, type Mask } from "../sparsity/mask";
import { decodeMask, encodeMask } from "../sparsity/maskFormat";
import { isMetric, type Metric } from "../sparsity/metrics";
import { topRows } from "../sparsity/ranking";
import { sketch } from "../sparsity/similarity";
import { planWindow, type WindowPlan } from "../sparsity/window";
import { throwIfAborted, toAbortError } from "./abort";
import { attribute } from "./attribution";
import { DocumentContext } from "./document";
import { EngineFailure } from "./errors";
import type { Gate } from "./gate";
import type { Log } from "./llama";
import { memoryStats } from "./memory";
import type { AttributionResult } from "./native";
import type { EngineState, SparsifyRequest, SparsifyResult, Timing } from "./protocol";
import type { Session } from "./session";

/** Ratios that `auto` tries, from the safest down; it stops at the first one out of tolerance. */
const AUTO_RATIOS = [0.7, 0.5, 0.4, 0.3, 0.2] as const;

/** Text on either side of the cursor that is tokenised at all; longer than any window and its held-out tokens. */
const CHARS_PER_TOKEN = 8;
const HELD_OUT_TOKENS = 256;

const HEATMAP_BINS = 64;

/** With a budget by score mass no layer keeps less than this share of its uniform part. */
const MIN_SHARE = 0.25;

/** Shares of the progress bar. */
const ATTRIBUTED = 0.7;
const GUARDED = 0.95;

interface Plan extends WindowPlan {
  readonly tokens: readonly number[];
}

interface Scored {
  readonly scores: readonly Float32Array[];
  readonly means: readonly Float32Array[];
}

interface Work {
  readonly request: SparsifyRequest;
  readonly signal: AbortSignal;
  readonly progress: (fraction: number) => void;
}

/** attribute → select → guard → pack, for one document at a time, giving way to completions at every step. */
export class Sparsifier {
  private queue: Promise<unknown> = Promise.resolve();
  private readonly disposal = new AbortController();

  constructor(
    private readonly session: Session,
    private readonly gate: Gate,
    private readonly onState: (state: EngineState) => void,
    private readonly log: Log,
  ) {}

  sparsify(
    request: SparsifyRequest,
    callSignal: AbortSignal,
    onProgress: (fraction: number) => void,
  ): Promise<SparsifyResult> {
    const signal = AbortSignal.any([callSignal, this.disposal.signal]);
    const progress = (fraction: number): void => {
      this.onState({ kind: "attributing", fraction, path: request.path });
      onProgress(fraction);
    };
    const run = this.queue.then(async () => {
      try {
        throwIfAborted(signal);
        return await this.run({ request, signal, progress });
      } finally {
        this.reportState(request.path);
      }
    });
    this.queue = run.catch(() => undefined);
    return run;
  }

  /** Cancels what runs and resolves when nothing uses the model any more. */
  async dispose(): Promise<void> {
    this.disposal.abort(new EngineFailure("cancelled", "The model is being unloaded."));
    await this.queue;
  }

  private async run(work: Work): Promise<SparsifyResult> {
    const { request } = work;
    const metric = validate(request);
    if (request.sparsity === "dense" || request.sparsity === 1) {
      return this.dense(work);
    }
    if (this.session.support === undefined) {
      return this.dense(work, this.session.info.denseOnly);
    }
    const remembered = this.remembered(request);
    if (remembered !== undefined) {
      return this.apply(work, remembered, "remembered", { tokens: 0, ms: 0 });
    }

    const plan = this.plan(request);
    const [from, to] = plan.window;
    if (to - from < 2) {
      return this.dense(work, "The file is too short to attribute.");
    }
    const start = performance.now();
    const scored = await this.attribute(work, plan, metric);
    const attribution: Timing = { tokens: to - from, ms: performance.now() - start };
    const guard = await this.guard(work, plan, scored);
    const ratio = request.sparsity === "auto" ? chooseRatio(guard, request.maxQualityLoss) : request.sparsity;
    if (ratio === 1) {
      const why =
        guard.length === 0
          ? "The file is too short to measure what sparsity would cost."
          : "No sparsity is within the tolerated quality loss on this file.";
      return { ...(await this.dense(work, why)), guard, attribution };
    }
    const mask: Mask = {
      modelFingerprint: this.session.modelFingerprint,
      metric,
      activeRatio: ratio,
      sketch: sketch(request.prefix + request.suffix),
      createdAt: Date.now(),
      guard,
      layers: this.select(scored, ratio, request.budget),
    };
    return this.apply(work, mask, "attributed", attribution);
  }

  private remembered(request: SparsifyRequest): Mask | undefined {
    if (request.mask === undefined) {
      return undefined;
    }
    const decoded = decodeMask(request.mask);
    if (!decoded.ok) {
      this.log("warn", decoded.warning);
      return undefined;
    }
    const { mask } = decoded;
    const sizes = this.session.support!.ffnSize;
    const fits =
      mask.modelFingerprint === this.session.modelFingerprint &&
      mask.layers.length === sizes.length &&
      mask.layers.every(({ size }, layer) => size === sizes[layer]);
    if (!fits) {
      this.log("warn", "Ignoring a remembered mask: it was made for another model.");
    }
    return fits ? mask : undefined;
  }

  private plan({ prefix, suffix, windowTokens }: SparsifyRequest): Plan {
    const { tokenizer, info } = this.session;
    const size = Math.max(2, Math.min(windowTokens, info.contextSize - HELD_OUT_TOKENS / 2));
    const chars = (size + HELD_OUT_TOKENS) * CHARS_PER_TOKEN;
    const before = tokenizer.tokenize(prefix.slice(-chars));
    const after = tokenizer.tokenize(suffix.slice(0, chars));
    return {
      ...planWindow(before.length + after.length, before.length, size),
      tokens: [...before, ...after],
    };
  }

  private async attribute({ signal, progress }: Work, plan: Plan, metric: Metric): Promise<Scored> {
    const tokens = this.withBos(plan.tokens.slice(...plan.window));
    const result: AttributionResult = await attribute(
      this.session.model,
      Int32Array.from(tokens),
      { window: [1, tokens.length], metrics: [metric], threads: this.session.threads },
      this.gate,
      (fraction) => progress(fraction * ATTRIBUTED),
      signal,
    );
    return { scores: result.neurons[metric]!, means: result.means };
  }

  private select({ scores, means }: Scored, ratio: number, budget: SparsifyRequest["budget"]): LayerMask[] {
    const { ffnSize, rowMultiple } = this.session.support!;
    const counts =
      budget === "score-mass"
        ? massBudget(scores, ratio, { multiple: rowMultiple, minRatio: ratio * MIN_SHARE, maxRatio: 1 })
        : uniformBudget(ffnSize, ratio, { multiple: rowMultiple });
    return ffnSize.map((size, layer) => ({
      size,
      rows: topRows(scores[layer]!, counts[layer]!),
      means: means[layer]!,
    }));
  }

  /**
   * What masks cost on held-out tokens. Runs on a context of its own, beside completions rather than before them: one
   * evaluation is too long to wait for.
   */
  private async guard(
    { request, signal, progress }: Work,
    plan: Plan,
    scored: Scored,
  ): Promise<CurvePoint[]> {
    if (plan.heldOut === undefined) {
      return [];
    }
    const { from, measure, to } = plan.heldOut;
    const tokens = this.withBos(plan.tokens.slice(from, to));
    const denseUntil = tokens.length - (to - measure);
    const options = { from: denseUntil, denseUntil };
    const ratios = request.sparsity === "auto" ? AUTO_RATIOS : [request.sparsity as number];
    const context = await DocumentContext.create(this.session.model, tokens.length + 1, this.session.threads);
    try {
      const dense = await context.evaluate(tokens, options);
      const points: CurvePoint[] = [];
      for (const [index, ratio] of ratios.entries()) {
        await this.pack(context, this.select(scored, ratio, request.budget), ratio, signal, () => undefined);
        points.push(curvePoint(ratio, dense, await context.evaluate(tokens, options)));
        throwIfAborted(signal);
        progress(ATTRIBUTED + ((GUARDED - ATTRIBUTED) * (index + 1)) / ratios.length);
        if (request.sparsity === "auto" && chooseRatio(points, request.maxQualityLoss) !== ratio) {
          break;
        }
      }
      return points;
    } finally {
      await context.dispose();
    }
  }

  private async apply(
    { request, signal, progress }: Work,
    mask: Mask,
    source: SparsifyResult["source"],
    attribution: Timing,
  ): Promise<SparsifyResult> {
    const start = performance.now();
    const document = await this.gate.run("background", () => this.session.document(request.path), signal);
    await this.pack(document, mask.layers, mask.activeRatio, signal, (share) =>
      progress(GUARDED + (1 - GUARDED) * share),
    );
    return {
      activeRatio: mask.activeRatio,
      rows: mask.layers.map(({ rows }) => rows.length),
      source,
      guard: mask.guard,
      attribution,
      packing: { ms: performance.now() - start },
      memory: memoryStats(this.session),
      mask: encodeMask(mask),
      heatmap: { bins: HEATMAP_BINS, values: heatmap(mask.layers, HEATMAP_BINS) },
    };
  }

  /** One layer per turn at the gate; completions in between run dense. */
  private async pack(
    document: DocumentContext,
    layers: readonly LayerMask[],
    ratio: number,
    signal: AbortSignal,
    onShare: (share: number) => void,
  ): Promise<void> {
    const packing = document.pack(layers, ratio);
    for (;;) {
      const step = await this.gate.run("background", () => packing.next(), signal);
      if (step.done === true) {
        return;
      }
      onShare((step.value + 1) / layers.length);
      if (signal.aborted) {
        await this.gate.run("background", () => document.unpack(layers.length));
        throw toAbortError(signal);
      }
    }
  }

  private async dense({ request }: Work, why?: string): Promise<SparsifyResult> {
    const document = this.session.peek(request.path);
    if (document !== undefined && document.activeRatio < 1) {
      await this.gate.run("background", () => document.unpack(this.session.info.layerCount));
    }
    return {
      activeRatio: 1,
      rows: this.session.info.ffnSize,
      source: "dense",
      ...(why === undefined ? {} : { why }),
      guard: [],
      attribution: { tokens: 0, ms: 0 },
      packing: { ms: 0 },
      memory: memoryStats(this.session),
      heatmap: {
        bins: HEATMAP_BINS,
        values: new Float32Array(this.session.info.layerCount * HEATMAP_BINS).fill(1),
      },
    };
  }

  private withBos(tokens: readonly number[]): number[] {
    const { bos } = this.session.tokenizer;
    return bos === undefined ? [...tokens] : [bos, ...tokens];
  }

  private reportState(path: string): void {
    const activeRatio = this.session.peek(path)?.activeRatio ?? 1;
    const { denseOnly } = this.session.info;
    this.onState(
      activeRatio < 1
        ? { kind: "sparse", activeRatio, path }
        : { kind: "dense", ...(denseOnly === undefined ? {} : { why: denseOnly }) },
    );
  }
}

function validate({ sparsity, metric, windowTokens, maxQualityLoss }: SparsifyRequest): Metric {
  if (typeof sparsity === "number" && !isRatio(sparsity)) {
    throw new EngineFailure(
      "bad-request",
      `The activation ratio must be above 0 and at most 1, not ${sparsity}.`,
    );
  }
  if (!isMetric(metric)) {
    throw new EngineFailure("bad-request", `There is no metric "${metric}".`);
  }
  if (!Number.isInteger(windowTokens) || windowTokens < 2) {
    throw new EngineFailure("bad-request", `The window must have at least 2 tokens, not ${windowTokens}.`);
  }
  if (!(maxQualityLoss >= 0)) {
    throw new EngineFailure(
      "bad-request",
      `The tolerated quality loss must not be negative, as ${maxQualityLoss} is.`,
    );
  }
  return metric;
}
