import { isRatio } from "../sparsity/budget";
import { choiceOf } from "../sparsity/choice";
import { chooseRatio, type CurvePoint } from "../sparsity/guard";
import { heatmap, layerSizes, type Mask, type Selection } from "../sparsity/mask";
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
import { measureCurve } from "./guardCurve";
import type { Log } from "./llama";
import { memoryStats } from "./memory";
import type { NeuronSizes } from "./native";
import type { Paces } from "./paces";
import { applySelection, dividePlanes, type Turns } from "./packing";
import type { DocumentName, EngineState, SparsifyRequest, SparsifyResult, Timing } from "./protocol";
import type { Session } from "./session";

/** Shares of the FFN that `auto` tries, from the safest down; it stops at the first one out of tolerance. */
const AUTO_RATIOS: Readonly<Record<Selection["kind"], readonly number[]>> = {
  choice: [0.8, 0.7, 0.6, 0.54, 0.48, 0.4],
  rows: [0.7, 0.5, 0.4, 0.3, 0.2],
};

const NOT_FASTER = "Reading less would not be faster on this machine.";

/** Text on either side of the cursor that is tokenised at all; longer than any window and its held-out tokens. */
const CHARS_PER_TOKEN = 8;
const HELD_OUT_TOKENS = 256;
/** Tokens after the held-out ones that the model is shown as what follows the middle. */
const AFTER_HELD_OUT = 32;

const HEATMAP_BINS = 64;

/** Shares of the progress bar. */
const ATTRIBUTED = 0.5;
const DIVIDED = 0.65;
const GUARDED = 0.95;

const NO_TIME: Timing = { tokens: 0, ms: 0 };

interface Plan extends WindowPlan {
  readonly tokens: readonly number[];
}

/** A request that has been checked, apart from `dense`. */
interface Work {
  readonly request: SparsifyRequest;
  readonly target: number | "auto";
  readonly metric: Metric;
  readonly signal: AbortSignal;
  readonly progress: (fraction: number) => void;
}

/** What attribution found out about a window. */
type Attributed = Scored & { readonly sizes?: readonly NeuronSizes[] };

/** attribute → select → guard → pack, for one document at a time, giving way to completions at every step. */
export class Sparsifier {
  private queue: Promise<unknown> = Promise.resolve();
  private readonly disposal = new AbortController();

  constructor(
    private readonly session: Session,
    private readonly gate: Gate,
    private readonly paces: Paces,
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
        const target = request.sparsity;
        if (target === "dense" || target === 1) {
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
    if (this.session.support === undefined) {
      return this.dense(request, this.session.info.denseOnly);
    }
    const asksTime = target === "auto" && request.faster === true;
    if (asksTime) {
      if (this.paces.pays(this.fastest) === false) {
        return this.dense(request, NOT_FASTER);
      }
      await this.paces.measureDense(this.turns(work)); // while all of the FFN is where dense decoding reads it best
    }
    const remembered = this.remembered(work);
    if (remembered !== undefined) {
      return asksTime && !(await this.isFaster(remembered.activeRatio, work))
        ? this.dense(request, NOT_FASTER)
        : this.apply(work, remembered, "remembered", NO_TIME);
    }

    const plan = this.plan(request);
    const [from, to] = plan.window;
    if (to - from < 2) {
      return this.dense(request, "The file is too short to attribute.");
    }
    const start = performance.now();
    const scored = await this.attribute(work, plan);
    const attribution: Timing = { tokens: to - from, ms: performance.now() - start };
    const select = this.selector(scored, request.budget);
    if (select === undefined) {
      const why = "The model's activations on this file are not numbers: its weights may be damaged.";
      return { ...(await this.dense(request, why)), attribution };
    }
    const guard = await this.guard(work, plan, select);
    const activeRatio = target === "auto" ? chooseRatio(guard, request.maxQualityLoss) : target;
    if (activeRatio === 1) {
      const why =
        guard.length === 0
          ? "The file is too short to measure what sparsity would cost."
          : "No sparsity is within the tolerated quality loss on this file.";
      return { ...(await this.dense(request, why)), guard, attribution };
    }
    if (asksTime && !(await this.isFaster(activeRatio, work))) {
      return { ...(await this.dense(request, NOT_FASTER)), guard, attribution };
    }
    const mask: Mask = {
      modelFingerprint: this.session.modelFingerprint,
      metric,
      activeRatio,
      sketch: sketch(request.prefix + request.suffix),
      createdAt: Date.now(),
      guard,
      selection: select(activeRatio),
    };
    return this.apply(work, mask, "attributed", attribution);
  }

  /** Where it is not, what is known of the fastest share spares other files the asking. */
  private async isFaster(activeRatio: number, work: Work): Promise<boolean> {
    const turns = this.turns(work);
    const pays = await this.paces.ask(activeRatio, turns);
    if (!pays) {
      await this.paces.ask(this.fastest, turns);
    }
    return pays;
  }

  private turns({ signal }: Work): Turns {
    return { gate: this.gate, signal };
  }

  /** If not even this share is faster than dense, none is. */
  private get fastest(): number {
    return AUTO_RATIOS[this.kind].at(-1)!;
  }

  /** What this model can do here. */
  private get kind(): Selection["kind"] {
    return this.session.support!.planes === undefined ? "rows" : "choice";
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
    const use = {
      modelFingerprint,
      ffnSize: support!.ffnSize,
      metric,
      sparsity: target,
      kind: this.kind,
      maxQualityLoss,
    };
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

  private async attribute({ request, metric, signal, progress }: Work, plan: Plan): Promise<Attributed> {
    const { tokens, middle } = frameWindow(this.session, request.path, plan.tokens.slice(...plan.window));
    const { neurons, means, sizes } = await attribute(
      this.session.model,
      Int32Array.from(tokens),
      {
        window: [tokens.length - middle, tokens.length],
        metrics: [...new Set([metric, "wanda" as const])],
        sizes: this.kind === "choice",
        threads: this.session.threads,
        contextSize: this.session.info.contextSize,
      },
      this.gate,
      (fraction) => {
        progress(fraction * ATTRIBUTED);
      },
      signal,
    );
    const contributions = neurons.wanda!;
    return { scores: neurons[metric]!, contributions, means, ...(sizes === undefined ? {} : { sizes }) };
  }

  /** What to read at any share; undefined: the scores are not numbers. */
  private selector(
    scored: Attributed,
    budget: SparsifyRequest["budget"] = "error",
  ): ((activeRatio: number) => Selection) | undefined {
    const { scores, sizes } = scored;
    if (sizes === undefined) {
      const options = { budget, multiple: this.session.support!.rowMultiple };
      const isNumber = scores.every((layer) => layer.every(Number.isFinite));
      return isNumber
        ? (ratio) => ({ kind: "rows", layers: selectNeurons(scored, ratio, options) })
        : undefined;
    }
    const layers = choiceOf(scores, sizes);
    return layers === undefined ? undefined : () => ({ kind: "choice", layers });
  }

  /** Always measured for `auto`, whose choice it is. */
  private async guard(
    work: Work,
    plan: Plan,
    select: (activeRatio: number) => Selection,
  ): Promise<CurvePoint[]> {
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
      candidates: target === "auto" ? AUTO_RATIOS[this.kind] : [target],
      maxLossIncrease: request.maxQualityLoss,
      select,
    };
    if (this.kind === "choice") {
      const onShare = (share: number): void => {
        progress(ATTRIBUTED + (DIVIDED - ATTRIBUTED) * share);
      };
      await dividePlanes(this.session, { gate: this.gate, signal, onShare });
    }
    return measureCurve(this.session, measurement, this.gate, signal, (fraction) => {
      progress(DIVIDED + (GUARDED - DIVIDED) * fraction);
    });
  }

  private async apply(
    { request, signal, progress }: Work,
    mask: Mask,
    source: SparsifyResult["source"],
    attribution: Timing,
  ): Promise<SparsifyResult> {
    const { selection, activeRatio, guard } = mask;
    const document = await this.gate.run("background", () => this.session.document(request), signal);
    const start = performance.now();
    const onShare = (share: number): void => {
      progress(GUARDED + (1 - GUARDED) * share);
    };
    await applySelection(this.session, document, selection, activeRatio, {
      gate: this.gate,
      signal,
      onShare,
    });
    return {
      activeRatio,
      rows:
        selection.kind === "rows" ? selection.layers.map(({ rows }) => rows.length) : layerSizes(selection),
      source,
      guard,
      attribution,
      packing: { ms: performance.now() - start },
      memory: memoryStats(this.session),
      mask: encodeMask(mask),
      heatmap: { bins: HEATMAP_BINS, values: heatmap(selection, HEATMAP_BINS) },
    };
  }

  private async dense(name: DocumentName, why?: string): Promise<SparsifyResult> {
    const { session } = this;
    const { ffnSize, layerCount } = session.info;
    if (session.support !== undefined) {
      await this.gate.run("background", async () => {
        await session.peek(name)?.unpack(layerCount);
        session.releasePlanes(this.gate);
      });
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
  if (!Number.isInteger(windowTokens) || windowTokens < 2) {
    refuse(`The window must have at least 2 tokens, not ${windowTokens}.`);
  }
  if (!(maxQualityLoss >= 0)) {
    refuse(`The tolerated quality loss must not be negative, as ${maxQualityLoss} is.`);
  }
  return isMetric(metric) ? metric : refuse(`There is no metric "${metric}".`);
}
