import { isRatio } from "../sparsity/budget";
import { chooseRatio, type CurvePoint } from "../sparsity/guard";
import { ffnShare, isLevels, levelsFor, type Levels } from "../sparsity/levels";
import { heatmap, type LayerMask, type Mask } from "../sparsity/mask";
import { decodeMask, encodeMask } from "../sparsity/maskFormat";
import { mismatch } from "../sparsity/maskReuse";
import { isMetric, type Metric } from "../sparsity/metrics";
import { selectNeurons, type Scored } from "../sparsity/selection";
import { sketch } from "../sparsity/similarity";
import { planWindow, type WindowPlan } from "../sparsity/window";
import { throwIfAborted } from "./abort";
import { attribute } from "./attribution";
import { EngineFailure } from "./errors";
import { frame, frameWindow, SLACK_TOKENS } from "./framing";
import type { Gate } from "./gate";
import { measureCurve, type Candidate } from "./guardCurve";
import type { Log } from "./llama";
import { memoryStats } from "./memory";
import { packRows } from "./packing";
import type { DocumentName, EngineState, SparsifyRequest, SparsifyResult, Timing } from "./protocol";
import type { Session } from "./session";

/** Shares of the FFN that `auto` tries, from the safest down; it stops at the first one out of tolerance. */
const AUTO_RATIOS = [0.7, 0.5, 0.4, 0.3, 0.2] as const;

/** Text on either side of the cursor that is tokenised at all; longer than any window and its held-out tokens. */
const CHARS_PER_TOKEN = 8;
const HELD_OUT_TOKENS = 256;
/** Tokens after the held-out ones that the model is shown as what follows the middle. */
const AFTER_HELD_OUT = 32;

const HEATMAP_BINS = 64;

/** Shares of the progress bar. */
const ATTRIBUTED = 0.7;
const GUARDED = 0.95;

const NO_TIME: Timing = { tokens: 0, ms: 0 };

interface Plan extends WindowPlan {
  readonly tokens: readonly number[];
}

/** A request that has been checked, apart from `dense`. */
interface Work {
  readonly request: SparsifyRequest;
  readonly target: Candidate | "auto";
  readonly metric: Metric;
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
        const metric = validate(request);
        const target = this.target(request.sparsity);
        if (target === "dense") {
          return await this.dense(request);
        }
        return await this.sparse({ request, target, metric, signal, progress });
      } finally {
        if (!this.disposal.signal.aborted) {
          this.reportState(request);
        }
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

  private async sparse(work: Work): Promise<SparsifyResult> {
    const { request, target, metric } = work;
    const { support } = this.session;
    if (support === undefined) {
      return this.dense(request, this.session.info.denseOnly);
    }
    if (target !== "auto" && target.levels.dynamicRatio < 1 && support.thresholdsReason !== undefined) {
      throw new EngineFailure("bad-request", `Ask for one ratio: ${support.thresholdsReason}.`);
    }
    const remembered = this.remembered(work);
    if (remembered !== undefined) {
      return this.apply(work, remembered, "remembered", NO_TIME);
    }

    const plan = this.plan(request);
    const [from, to] = plan.window;
    if (to - from < 2) {
      return this.dense(request, "The file is too short to attribute.");
    }
    const start = performance.now();
    const scored = await this.attribute(work, plan);
    const attribution: Timing = { tokens: to - from, ms: performance.now() - start };
    const guard = await this.guard(work, plan, scored);
    const { activeRatio, levels } =
      target === "auto" ? this.share(chooseRatio(guard, request.maxQualityLoss)) : target;
    if (activeRatio === 1) {
      const why =
        guard.length === 0
          ? "The file is too short to measure what sparsity would cost."
          : "No sparsity is within the tolerated quality loss on this file.";
      return { ...(await this.dense(request, why)), guard, attribution };
    }
    const mask: Mask = {
      modelFingerprint: this.session.modelFingerprint,
      metric,
      activeRatio,
      levels,
      sketch: sketch(request.prefix + request.suffix),
      createdAt: Date.now(),
      guard,
      layers: this.select(scored, levels, request.budget),
    };
    return this.apply(work, mask, "attributed", attribution);
  }

  /** A share of the FFN, divided as this model allows. */
  private share(activeRatio: number): Candidate {
    const thresholds = this.session.support?.thresholdsReason === undefined;
    return { activeRatio, levels: levelsFor(activeRatio, thresholds) };
  }

  private target(sparsity: SparsifyRequest["sparsity"]): Candidate | "auto" | "dense" {
    if (sparsity === "auto" || sparsity === "dense") {
      return sparsity;
    }
    const target =
      typeof sparsity === "number"
        ? this.share(sparsity)
        : { activeRatio: ffnShare(sparsity), levels: sparsity };
    return target.activeRatio === 1 ? "dense" : target;
  }

  private remembered({ request, target, metric }: Work): Mask | undefined {
    if (request.mask === undefined) {
      return undefined;
    }
    const decoded = decodeMask(request.mask);
    if (!decoded.ok) {
      this.log("warn", decoded.warning);
      return undefined;
    }
    const { modelFingerprint, support } = this.session;
    const { maxQualityLoss } = request;
    const sparsity = target === "auto" ? target : target.levels;
    const use = { modelFingerprint, ffnSize: support!.ffnSize, metric, sparsity, maxQualityLoss };
    const why = mismatch(decoded.mask, use);
    if (why !== undefined) {
      this.log("info", `Ignoring a remembered mask: ${why}.`);
    }
    return why === undefined ? decoded.mask : undefined;
  }

  private plan({ prefix, suffix, windowTokens }: SparsifyRequest): Plan {
    const { tokenizer, info } = this.session;
    const size = Math.max(1, Math.min(windowTokens, info.contextSize - SLACK_TOKENS));
    const chars = (size + HELD_OUT_TOKENS) * CHARS_PER_TOKEN;
    const before = tokenizer.tokenize(prefix.slice(-chars));
    const after = tokenizer.tokenize(suffix.slice(0, chars));
    const tokens = [...before, ...after];
    return { ...planWindow(tokens.length, before.length, size), tokens };
  }

  private async attribute({ request, metric, signal, progress }: Work, plan: Plan): Promise<Scored> {
    const { tokens, middle } = frameWindow(this.session, request.path, plan.tokens.slice(...plan.window));
    const thresholds = this.session.support!.thresholdsReason === undefined;
    const { neurons, means, gates } = await attribute(
      this.session.model,
      Int32Array.from(tokens),
      {
        window: [tokens.length - middle, tokens.length],
        metrics: [...new Set([metric, "wanda" as const])],
        gates: thresholds,
        threads: this.session.threads,
      },
      this.gate,
      (fraction) => {
        progress(fraction * ATTRIBUTED);
      },
      signal,
    );
    const contributions = neurons.wanda!;
    return { scores: neurons[metric]!, contributions, means, ...(gates === undefined ? {} : { gates }) };
  }

  private select(scored: Scored, levels: Levels, budget: SparsifyRequest["budget"] = "error"): LayerMask[] {
    return selectNeurons(scored, levels, { budget, multiple: this.session.support!.rowMultiple });
  }

  /** Always measured for `auto`, whose choice it is. */
  private async guard(work: Work, plan: Plan, scored: Scored): Promise<CurvePoint[]> {
    const { request, target, signal, progress } = work;
    if (plan.heldOut === undefined || (target !== "auto" && request.measure === false)) {
      return [];
    }
    const { from, measure, to } = plan.heldOut;
    // As in a completion: some text just before what is measured belongs to the middle.
    const written = Math.ceil((from + measure) / 2);
    const { tokens } = frame(this.session, request.path, {
      before: plan.tokens.slice(from, written),
      middle: plan.tokens.slice(written, to),
      after: plan.tokens.slice(to, to + AFTER_HELD_OUT),
    });
    const measurement = {
      tokens,
      denseUntil: tokens.length - (to - measure),
      candidates: target === "auto" ? AUTO_RATIOS.map((ratio) => this.share(ratio)) : [target],
      maxLossIncrease: request.maxQualityLoss,
      select: (levels: Levels) => this.select(scored, levels, request.budget),
    };
    return measureCurve(this.session, measurement, this.gate, signal, (fraction) => {
      progress(ATTRIBUTED + (GUARDED - ATTRIBUTED) * fraction);
    });
  }

  private async apply(
    { request, signal, progress }: Work,
    mask: Mask,
    source: SparsifyResult["source"],
    attribution: Timing,
  ): Promise<SparsifyResult> {
    const { layers, activeRatio, levels, guard } = mask;
    const document = await this.gate.run("background", () => this.session.document(request), signal);
    const start = performance.now();
    await packRows(document, layers, activeRatio, this.gate, signal, (share) => {
      progress(GUARDED + (1 - GUARDED) * share);
    });
    return {
      activeRatio,
      levels,
      rows: layers.map(({ rows }) => rows.length),
      source,
      guard,
      attribution,
      packing: { ms: performance.now() - start },
      memory: memoryStats(this.session),
      mask: encodeMask(mask),
      heatmap: { bins: HEATMAP_BINS, values: heatmap(layers, HEATMAP_BINS) },
    };
  }

  private async dense(name: DocumentName, why?: string): Promise<SparsifyResult> {
    const { session } = this;
    const { ffnSize, layerCount } = session.info;
    const document = session.peek(name);
    if (document !== undefined && session.support !== undefined) {
      await this.gate.run("background", () => document.unpack(layerCount));
    }
    return {
      activeRatio: 1,
      rows: ffnSize,
      source: "dense",
      ...(why === undefined ? {} : { why }),
      guard: [],
      attribution: NO_TIME,
      packing: { ms: 0 },
      memory: memoryStats(session),
      heatmap: { bins: HEATMAP_BINS, values: new Float32Array(layerCount * HEATMAP_BINS).fill(1) },
    };
  }

  private reportState(name: DocumentName): void {
    const { path } = name;
    const activeRatio = this.session.peek(name)?.activeRatio ?? 1;
    const { denseOnly } = this.session.info;
    this.onState(
      activeRatio < 1
        ? { kind: "sparse", activeRatio, path }
        : { kind: "dense", ...(denseOnly === undefined ? {} : { why: denseOnly }) },
    );
  }
}

/** The metric; throws for a request that cannot be followed. */
function validate({ sparsity, metric, windowTokens, maxQualityLoss }: SparsifyRequest): Metric {
  const refuse = (message: string): never => {
    throw new EngineFailure("bad-request", message);
  };
  if (typeof sparsity === "number" && !isRatio(sparsity)) {
    refuse(`The activation ratio must be above 0 and at most 1, not ${sparsity}.`);
  }
  if (typeof sparsity === "object" && !isLevels(sparsity)) {
    refuse("Both ratios must be above 0 and at most 1.");
  }
  if (!Number.isInteger(windowTokens) || windowTokens < 2) {
    refuse(`The window must have at least 2 tokens, not ${windowTokens}.`);
  }
  if (!(maxQualityLoss >= 0)) {
    refuse(`The tolerated quality loss must not be negative, as ${maxQualityLoss} is.`);
  }
  return isMetric(metric) ? metric : refuse(`There is no metric "${metric}".`);
}
