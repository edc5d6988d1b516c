import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Context } from "../../commandLine/context";
import { Gate } from "../../engine/gate";
import { evaluate, makePlanes, setFfnChoice, setFfnRows } from "../../engine/native";
import { requireModel, Session } from "../../engine/session";
import { Paces } from "../../engine/paces";
import { Sparsifier } from "../../engine/sparsifier";
import { quantize, type Quantisation } from "../../engine/study";
import { readGguf } from "../../models/gguf";
import { fingerprint } from "../../models/modelCheck";
import { tierCounts, tiersFor } from "../../sparsity/choice";
import type { Selection } from "../../sparsity/mask";
import type { Metric } from "../../sparsity/metrics";
import type { Store, Point } from "../common/store";
import { textScores } from "../common/textScores";
import type { CaseBench } from "./caseBench";
import { Generator } from "./generation";
import { CONTEXT_TOKENS, MEASURED_TOKENS, PREFIX_TOKENS, type Lab } from "./lab";
import { Profiles } from "./profiles";
import { rowMasks } from "./sections/completions";
import { engineSelection } from "./sections/engine";

/** The name of this section. */
export const RIVALS = "rivals";
const VERSION = 2;

export interface RivalSetup {
  /** What quantisations are made from: best an unquantised file of the same model. */
  readonly source: string;
  readonly types: readonly Quantisation[];
  /** Other dense models. */
  readonly models: readonly string[];
  readonly metric: Metric;
  /** How many, of which seed: masks for all files depend on them. */
  readonly cases: string;
}

/** Shares of the neurons of one mask for each file, of the FFN's bytes in the engine's own way, and of the neurons of one mask for all files. */
const STATIC = [0.3, 0.5, 0.7] as const;
const ENGINE = [0.42, 0.54, 0.7] as const;
const PRUNED = [0.5, 0.7] as const;

/** One way to have fewer bytes to read. */
interface Rival {
  readonly name: string;
  readonly key: string;
  /** Makes the file if it must be made. */
  open(): Promise<string>;
  /** Of the bench's own model: what of it is kept for a case. */
  readonly masks?: (bench: CaseBench) => Promise<Selection>;
  /** Share of the FFN's bytes that they read. */
  readonly ratio?: number;
  /** Its masks need the profiles of all files. */
  readonly isPruned?: true;
}

/** Longer vocabularies would need too much memory for KL: then it is not measured. */
const MAX_LOGIT_BYTES = 2 ** 30;

/**
 * The sparse model beside its rivals, all run by the engine: bits per byte of the measured tokens' text, agreement with
 * the dense model where the vocabulary is the same, completions, time per decoded token, and bytes of weights in memory.
 */
export async function measureRivals(
  benches: readonly CaseBench[],
  lab: Lab,
  setup: RivalSetup,
  store: Store,
  context: Context,
): Promise<Point[][]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-rivals-"));
  const points: Point[][] = benches.map(() => []);
  const dense = new DenseLogits();
  try {
    const profiles = new Profiles(setup.metric);
    const quiet = (): void => undefined;
    const sparsifier = new Sparsifier(lab.session, new Gate(), Paces.of(lab.session, quiet), quiet, quiet);
    const rivals = rivalsOf(lab, setup, folder, { sparsifier, profiles });
    for (const [index, rival] of rivals.entries()) {
      context.progress.report("Measuring rivals", index / rivals.length, `, ${rival.name}`);
      const keys = benches.map(({ hole }) => `${RIVALS} ${VERSION} ${rival.key} ${hole.id}`);
      if (keys.some((key) => store.get(key) === undefined)) {
        if (rival.isPruned === true) {
          await profiles.addAll(benches);
        }
        await measureRival(rival, { benches, keys, lab, store, dense, signal: context.signal });
      }
      keys.forEach((key, at) => points[at]!.push(...store.get(key)!));
    }
    return points;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface MaskMakers {
  readonly sparsifier: Sparsifier;
  readonly profiles: Profiles;
}

function rivalsOf(
  lab: Lab,
  setup: RivalSetup,
  folder: string,
  { sparsifier, profiles }: MaskMakers,
): Rival[] {
  const { session } = lab;
  const own = session.modelFingerprint;
  const open = (): Promise<string> => Promise.resolve(session.info.path);
  return [
    { name: "dense", key: own, open },
    ...STATIC.map((ratio) => ({
      name: `mask for the file, ${Math.round(100 * ratio)} % of the neurons`,
      key: `${own} ${setup.metric} static ${ratio}`,
      open,
      ratio,
      masks: (bench: CaseBench) => masksOf(bench, setup, ratio),
    })),
    ...ENGINE.map((ratio) => ({
      name: `the product, ${Math.round(100 * ratio)} % of the FFN's bytes`,
      key: `${own} ${setup.metric} engine ${ratio}`,
      open,
      ratio,
      masks: (bench: CaseBench) => engineSelection(sparsifier, bench, setup.metric, ratio),
    })),
    ...PRUNED.map((ratio) => ({
      name: `pruned for all files to ${Math.round(100 * ratio)} % of the neurons`,
      key: `${own} ${setup.metric} pruned ${ratio} ${setup.cases}`,
      open,
      ratio,
      isPruned: true as const,
      masks: (bench: CaseBench) => Promise.resolve(prunedMask(bench, profiles, ratio)),
    })),
    ...setup.types.map((type) => ({
      name: type,
      key: `${fingerprint(setup.source, requireModel(setup.source))} ${own} ${type}`,
      open: async () => {
        const target = path.join(folder, `${type}.gguf`);
        await quantize(session.model.llama, setup.source, target, type, session.threads);
        return target;
      },
    })),
    ...setup.models.map((file) => ({
      name: path.basename(file, ".gguf"),
      key: `${fingerprint(file, requireModel(file))} ${own}`,
      open: () => Promise.resolve(file),
    })),
  ];
}

interface Work {
  readonly benches: readonly CaseBench[];
  readonly keys: readonly string[];
  readonly lab: Lab;
  readonly store: Store;
  readonly dense: DenseLogits;
  readonly signal: AbortSignal;
}

async function measureRival(rival: Rival, work: Work): Promise<void> {
  const { benches, keys, lab, store, dense, signal } = work;
  const file = await rival.open();
  const isOwn = file === lab.session.info.path;
  const session = isOwn ? lab.session : await loadSession(file, lab, signal);
  const generator = await Generator.create(session, signal);
  const model = await Evaluator.create(session);
  const base = await Evaluator.create(lab.session);
  try {
    for (const [index, bench] of benches.entries()) {
      signal.throwIfAborted();
      const masks = await rival.masks?.(bench);
      await generator.mask(masks, rival.ratio ?? 1);
      await model.mask(masks, rival.ratio ?? 1);
      const reference = await dense.of(bench, base);
      const measured = await model.measure(bench, reference);
      const { text, tokens, ms } = await generator.complete(bench.hole);
      const { exact, similarity } = textScores(text, bench.hole.middle);
      const bytes = weightBytes(file, packedBytes(masks, session, generator));
      const values = { ...measured, exact, similarity, tokens, ms, bytes };
      store.add(keys[index]!, [{ series: rival.name, x: 0, values }]);
      await bench.dispose();
    }
  } finally {
    await generator.dispose();
    await model.dispose();
    await base.dispose();
    if (!isOwn) {
      await session.dispose();
    }
  }
}

function loadSession(modelPath: string, { session }: Lab, signal: AbortSignal): Promise<Session> {
  const { threads } = session;
  const load = { modelPath, contextSize: CONTEXT_TOKENS, threads, gpu: session.model.llama.gpu };
  return Session.load(session.model.llama, load, () => undefined, signal);
}

async function masksOf(bench: CaseBench, { metric }: RivalSetup, ratio: number): Promise<Selection> {
  const { means } = await bench.plain();
  return rowMasks(bench, await bench.scores(metric), means, ratio);
}

/**
 * A smaller dense model that anyone can make of this one: the neurons that score best in the other files, for every file the same.
 * Without other files, all of them.
 */
function prunedMask({ lab, masks, hole }: CaseBench, profiles: Profiles, ratio: number): Selection {
  const prior = profiles.prior(hole.file.path);
  const layers = lab.ffnSize.map((size, layer) => ({
    size,
    rows:
      prior === undefined
        ? Int32Array.from({ length: size }, (_, row) => row)
        : masks.rows(prior, ratio)[layer]!,
  }));
  return { kind: "rows", layers };
}

/** What is in memory instead of the dense FFN; undefined: that. */
function packedBytes(
  masks: Selection | undefined,
  session: Session,
  generator: Generator,
): number | undefined {
  return masks?.kind === "choice" ? session.packedBytes : masks && generator.packedBytes;
}

/** Weights that a decoded token needs in memory: all but the dense FFN where a packed one takes its place. */
function weightBytes(file: string, packedBytes: number | undefined): number {
  const { tensors } = readGguf(file);
  const needed = tensors.filter(
    ({ name }) => packedBytes === undefined || !/\.ffn_(gate|up|down)\.weight$/.test(name),
  );
  return needed.reduce((sum, { bytes }) => sum + bytes, packedBytes ?? 0);
}

/** The bench model's own logits, once for all rivals. */
class DenseLogits {
  private readonly known = new Map<string, Float32Array>();
  private bytes = 0;

  /** Undefined when memory for them is short. */
  async of({ hole, tokens, from }: CaseBench, base: Evaluator): Promise<Float32Array | undefined> {
    const known = this.known.get(hole.id);
    if (known !== undefined || this.bytes > MAX_LOGIT_BYTES) {
      return known;
    }
    const logits = await base.logits(tokens, from);
    this.known.set(hole.id, logits);
    this.bytes += logits.byteLength;
    return logits;
  }
}

type LlamaContext = Awaited<ReturnType<Session["model"]["createContext"]>>;

/** Teacher forcing in the engine. */
class Evaluator {
  private constructor(
    private readonly session: Session,
    private readonly context: LlamaContext,
  ) {}

  static async create(session: Session): Promise<Evaluator> {
    const { model, threads } = session;
    const context = await model.createContext({
      contextSize: Math.min(model.trainContextSize, 2 * CONTEXT_TOKENS),
      threads,
      batchSize: MEASURED_TOKENS,
    });
    return new Evaluator(session, context);
  }

  async mask(selection: Selection | undefined, ratio: number): Promise<void> {
    const { session, context } = this;
    if (selection?.kind === "choice") {
      const planes = session.support!.planes!;
      const tiers = tiersFor(ratio, planes);
      for (const [layer, choice] of selection.layers.entries()) {
        await makePlanes(session.model, layer, session.threads);
        setFfnChoice(context, layer, { ...choice, ...tierCounts(tiers, choice.gateWeights.length) });
      }
      return;
    }
    for (const [layer, { rows, means }] of (selection?.layers ?? []).entries()) {
      const options = { threads: session.threads, ...(means === undefined ? {} : { means }) };
      await setFfnRows(context, layer, rows, options);
    }
  }

  /** Of the measured positions, without the last. */
  async logits(tokens: Int32Array, from: number): Promise<Float32Array> {
    const { logits } = await evaluate(this.context, tokens, { from, denseUntil: from, logits: true });
    return logits!;
  }

  /** Bits per byte of the text that the measured tokens stand for, whatever this model's tokens are. */
  async measure(bench: CaseBench, dense: Float32Array | undefined): Promise<Record<string, number>> {
    const { tokenizer } = this.session;
    const text = bench.measuredText;
    const before = tokenizer.tokenize(bench.hole.prefix).slice(-PREFIX_TOKENS);
    const next = tokenizer.tokenize(text);
    const bos = tokenizer.bos === undefined ? [] : [tokenizer.bos];
    const tokens = Int32Array.from([...bos, ...before, ...next]);
    const from = bos.length + before.length - 1;
    const { logLikelihood, top1, logits } = await evaluate(this.context, tokens, {
      from,
      denseUntil: from,
      logits: dense !== undefined,
    });
    const nats = -logLikelihood.reduce((sum, value) => sum + value, 0);
    const bits = nats / Math.LN2 / Buffer.byteLength(text);
    const isSame =
      dense !== undefined &&
      logits?.length === dense.length &&
      tokens.length === bench.tokens.length &&
      tokens.every((token, index) => token === bench.tokens[index]);
    return { bits, ...(isSame ? agreement(dense, logits, top1) : {}) };
  }

  dispose(): Promise<void> {
    return this.context.dispose();
  }
}

/** Agreement of first choices, and KL(dense ‖ other) in nats per token. */
function agreement(dense: Float32Array, other: Float32Array, top1: Int32Array): Record<string, number> {
  const size = dense.length / (top1.length + 1); // the last position predicts nothing that is known
  let kl = 0;
  let same = 0;
  for (let t = 0; t < top1.length; t++) {
    const p = logSoftmax(dense.subarray(t * size, (t + 1) * size));
    const q = logSoftmax(other.subarray(t * size, (t + 1) * size));
    let best = 0;
    for (let j = 0; j < size; j++) {
      kl += Math.exp(p[j]!) * (p[j]! - q[j]!);
      best = p[j]! > p[best]! ? j : best;
    }
    same += best === top1[t] ? 1 : 0;
  }
  return { top1: same / top1.length, kl: kl / top1.length };
}

function logSoftmax(logits: Float32Array): Float32Array {
  const max = logits.reduce((largest, value) => Math.max(largest, value), -Infinity);
  const sum = logits.reduce((total, value) => total + Math.exp(value - max), 0);
  const shift = max + Math.log(sum);
  return logits.map((value) => value - shift);
}
