import { Gate } from "../../../engine/gate";
import type { SparsifyResult } from "../../../engine/protocol";
import { Paces } from "../../../engine/paces";
import { Sparsifier } from "../../../engine/sparsifier";
import { chooseRatio, lossIncrease, top1Agreement } from "../../../sparsity/guard";
import type { Evaluation } from "../../../sparsity/guard";
import type { Selection } from "../../../sparsity/mask";
import { decodeMask } from "../../../sparsity/maskFormat";
import type { Metric } from "../../../sparsity/metrics";
import type { Hole } from "../../common/holes";
import type { Point } from "../../common/store";
import type { CaseBench } from "../caseBench";
import { Generator } from "../generation";
import { PREFIX_TOKENS } from "../lab";
import type { Section } from "../section";

/** Shares of the FFN's bytes. */
export const ENGINE_RATIOS = [0.3, 0.4, 0.5, 0.54, 0.6, 0.7, 0.8, 0.9] as const;

/** Tolerated rises of the loss. */
const TOLERANCES = [0.02, 0.05, 0.1, 0.2] as const;

export const ENGINE_SERIES = "engine";
export const GUARD_SERIES = "guard";

/**
 * The product itself: what tokens read by the file's own weights, on a hole's text in its prompt, at every share of the FFN's bytes; and what the
 * guard lets through for a tolerance.
 */
export const ENGINE_SECTION: Section = {
  name: "engine",
  version: 4,
  async measure(bench, { settings, signal }) {
    const { lab } = bench;
    const hole = longHole(bench);
    const generator = await Generator.create(lab.session, signal);
    const quiet = (): void => undefined;
    const sparsifier = new Sparsifier(lab.session, new Gate(), Paces.of(lab.session, quiet), quiet, quiet);
    try {
      const dense = await generator.score(hole);
      const scored = new Map<number, Evaluation>();
      let selection: Selection | undefined;
      const at = async (ratio: number): Promise<Evaluation> => {
        // What tokens choose by is the same at every share.
        if (selection?.kind !== "choice") {
          selection = await engineSelection(sparsifier, bench, settings.metric, ratio);
        }
        await generator.mask(selection, ratio);
        return generator.score(hole);
      };
      const points: Point[] = [];
      for (const ratio of ENGINE_RATIOS) {
        const now = await at(ratio);
        scored.set(ratio, now);
        points.push(scorePoint(ENGINE_SERIES, ratio, dense, now, { bytes: generator.readRatio }));
      }
      const { guard } = await sparsify(sparsifier, bench, settings.metric, "auto");
      for (const tolerance of guard.length === 0 ? [] : TOLERANCES) {
        const ratio = chooseRatio(guard, tolerance);
        const now = ratio === 1 ? dense : (scored.get(ratio) ?? (await at(ratio)));
        scored.set(ratio, now);
        const rise = lossIncrease(dense.logLikelihood, now.logLikelihood);
        const within = (limit: number): number => (rise <= limit ? 1 : 0);
        const kept = { ratio, kept: within(tolerance), nearly: within(1.5 * tolerance) };
        points.push(scorePoint(GUARD_SERIES, tolerance, dense, now, kept));
      }
      return points;
    } finally {
      await sparsifier.dispose();
      await generator.dispose();
    }
  },
};

/** The hole with as much of the file's text as is measured, whatever it was cut for: more tokens say more. */
export function longHole({ hole, measuredText }: CaseBench): Hole {
  const { middle, suffix } = hole;
  const after = middle + suffix;
  return { ...hole, id: `${hole.id} long`, middle: measuredText, suffix: after.slice(measuredText.length) };
}

export function scorePoint(
  series: string,
  x: number,
  dense: Evaluation,
  now: Evaluation,
  more: Readonly<Record<string, number>> = {},
): Point {
  const top1 = top1Agreement(dense.top1, now.top1);
  return { series, x, values: { loss: nats(now), dense: nats(dense), top1, ...more } };
}

/** Summed over the tokens: long holes count for more. */
const nats = ({ logLikelihood }: Evaluation): number =>
  -logLikelihood.reduce((total, value) => total + value, 0);

/** What tokens read, as the engine makes it for the hole. */
export async function engineSelection(
  sparsifier: Sparsifier,
  bench: Pick<CaseBench, "hole">,
  metric: Metric,
  sparsity: number,
): Promise<Selection> {
  const { mask, why } = await sparsify(sparsifier, bench, metric, sparsity);
  const decoded = mask === undefined ? undefined : decodeMask(mask);
  if (decoded?.ok !== true) {
    throw new Error(decoded?.warning ?? why);
  }
  return decoded.mask.selection;
}

function sparsify(
  sparsifier: Sparsifier,
  { hole: { prefix, suffix, file } }: Pick<CaseBench, "hole">,
  metric: Metric,
  sparsity: number | "auto",
): Promise<SparsifyResult> {
  const request = {
    path: file.path,
    prefix,
    suffix,
    sparsity,
    metric,
    windowTokens: PREFIX_TOKENS,
    measure: false,
    maxQualityLoss: Math.max(...TOLERANCES),
  };
  return sparsifier.sparsify(request, new AbortController().signal, () => undefined);
}
