import type { StudyMask, TokenChoice } from "../../../../engine/study";
import { roundRows } from "../../../../sparsity/budget";
import { METRICS, type Metric } from "../../../../sparsity/metrics";
import { topRows } from "../../../../sparsity/ranking";
import type { CaseBench } from "../caseBench";
import { RATIOS } from "../masks";
import type { Section } from "../section";
import type { Point } from "../store";

const BY_GRADIENT = (["corrected-gxo", "corrected-gxo-weighted", "gxo", "snip"] as const).filter(
  (metric) => METRICS[metric].needsBackward,
);

/**
 * Masks chosen anew for every token, by what an engine cannot know in advance: the gradient towards the token that the dense
 * model is about to choose (as the code released with arXiv 2406.06562 does), or the token's own activations.
 */
export const ORACLES_SECTION: Section = {
  name: "oracles",
  version: 1,
  async measure(bench) {
    const { lab, from, tokens } = bench;
    const points: Point[] = [];
    const study = await bench.study();
    const { tokens: values } = await lab.attribute([...tokens], {
      window: [from + 1, tokens.length],
      metrics: BY_GRADIENT,
      labels: study.dense.top1,
      ownTerm: true,
      tokenScores: true,
    });
    for (const metric of BY_GRADIENT) {
      for (const ratio of RATIOS) {
        const layers = values[metric]!.map((layer, il) => tokenMask(layer, lab.ffnSize[il]!, ratio));
        points.push(await bench.point(`per token, ${metric satisfies Metric}`, ratio, layers));
      }
    }
    for (const ratio of RATIOS) {
      const by = (weighted: boolean): StudyMask[] => topMasks(bench, ratio, weighted);
      points.push(await bench.point("per token, |x|", ratio, by(false)));
      points.push(await bench.point("per token, |x|·‖w‖", ratio, by(true)));
    }
    return points;
  },
};

function topMasks({ lab }: CaseBench, ratio: number, weighted: boolean): StudyMask[] {
  return lab.layers.map((layer) => {
    const top = roundRows(ratio, lab.ffnSize[layer]!, 1);
    const choice: TokenChoice = { by: "x", top, ...(weighted ? { weights: lab.downNorms(layer) } : {}) };
    return { choice };
  });
}

/** @param values `[tokens, n_ff]` */
function tokenMask(values: Float32Array, size: number, ratio: number): StudyMask {
  const tokenKeep = new Uint8Array(values.length);
  const count = roundRows(ratio, size, 1);
  for (let at = 0; at < values.length; at += size) {
    for (const row of topRows(values.subarray(at, at + size), count)) {
      tokenKeep[at + row] = 1;
    }
  }
  return { tokenKeep };
}
