import { Gate } from "../../../../engine/gate";
import { Sparsifier } from "../../../../engine/sparsifier";
import { chooseRatio, lossIncrease, top1Agreement } from "../../../../sparsity/guard";
import type { CurvePoint, Evaluation } from "../../../../sparsity/guard";
import type { LayerMask } from "../../../../sparsity/mask";
import { decodeMask } from "../../../../sparsity/maskFormat";
import type { Metric } from "../../../../sparsity/metrics";
import type { CaseBench } from "../caseBench";
import { Generator } from "../generation";
import { PREFIX_TOKENS } from "../lab";
import type { Section } from "../section";
import type { Point } from "../store";
import { textScores } from "../textScores";

/** Shares of the FFN that the engine's guard tries. */
export const ENGINE_RATIOS = [0.2, 0.3, 0.4, 0.5, 0.7] as const;

/** Tolerated rises of the loss. */
const TOLERANCES = [0.02, 0.05, 0.1, 0.2] as const;

export const ENGINE_SERIES = "engine";
export const GUARD_SERIES = "guard";

/**
 * The product itself: masks as the engine makes them (window with a hole, two levels, mean left behind), on the hole's own text
 * in its prompt, at every share of the FFN and at what the guard chooses for a tolerance.
 */
export const ENGINE_SECTION: Section = {
  name: "engine",
  version: 2,
  async measure(bench, { settings, signal }) {
    const { hole, lab } = bench;
    const generator = await Generator.create(lab.session, signal);
    const sparsifier = new Sparsifier(
      lab.session,
      new Gate(),
      () => undefined,
      () => undefined,
    );
    const measured = async (): Promise<Measured> => ({
      score: await generator.score(hole),
      text: (await generator.complete(hole)).text,
    });
    try {
      const dense = await measured();
      const points: Point[] = [];
      const byRatio = new Map<number, Record<string, number>>();
      const curve: CurvePoint[] = [];
      for (const ratio of [...ENGINE_RATIOS, 1]) {
        let now = dense;
        if (ratio < 1) {
          const made = await engineMask(sparsifier, bench, settings.metric, ratio);
          curve.push(...made.guard);
          await generator.mask(made.layers, ratio);
          now = await measured();
        }
        const truth = textScores(now.text, hole.middle);
        const own = textScores(now.text, dense.text);
        const values = {
          loss: nats(now.score),
          dense: nats(dense.score),
          top1: top1Agreement(dense.score.top1, now.score.top1),
          ...truth,
          exactDense: own.exact,
          similarityDense: own.similarity,
          bleuDense: own.bleu,
          within: lossIncrease(dense.score.logLikelihood, now.score.logLikelihood),
        };
        byRatio.set(ratio, values);
        points.push({ series: ENGINE_SERIES, x: ratio, values: without(values, "within") });
      }
      for (const tolerance of curve.length === 0 ? [] : TOLERANCES) {
        const ratio = chooseRatio(curve, tolerance);
        const values = byRatio.get(ratio)!;
        const kept = values.within! <= tolerance ? 1 : 0;
        points.push({
          series: GUARD_SERIES,
          x: tolerance,
          values: { ...without(values, "within"), ratio, kept },
        });
      }
      return points;
    } finally {
      await sparsifier.dispose();
      await generator.dispose();
    }
  },
};

interface Measured {
  readonly score: Evaluation;
  readonly text: string;
}

/** Summed over the tokens: long holes count for more. */
const nats = ({ logLikelihood }: Evaluation): number =>
  -logLikelihood.reduce((total, value) => total + value, 0);

function without(values: Readonly<Record<string, number>>, name: string): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}

/** A mask as the engine makes it for the hole, and what its guard measures of it: nothing when the file has too little text. */
export async function engineMask(
  sparsifier: Sparsifier,
  { hole: { prefix, suffix, file } }: CaseBench,
  metric: Metric,
  sparsity: number,
): Promise<{ readonly layers: readonly LayerMask[]; readonly guard: readonly CurvePoint[] }> {
  const { mask, guard } = await sparsifier.sparsify(
    {
      path: file.path,
      prefix,
      suffix,
      sparsity,
      metric,
      windowTokens: PREFIX_TOKENS,
      maxQualityLoss: Math.max(...TOLERANCES),
    },
    new AbortController().signal,
    () => undefined,
  );
  const decoded = decodeMask(mask!);
  if (!decoded.ok) {
    throw new Error(decoded.warning);
  }
  return { layers: decoded.mask.layers, guard };
}
