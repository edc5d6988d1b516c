import type { StudyMask, TokenChoice } from "../../../../engine/study";
import { roundRows } from "../../../../sparsity/budget";
import { rankedRows } from "../../../../sparsity/ranking";
import type { CaseBench } from "../caseBench";
import { RATIOS } from "../masks";
import type { Section } from "../section";
import type { Point } from "../store";

const BY_GRADIENT = ["corrected-gxo", "corrected-gxo-weighted", "gxo", "snip"] as const;

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
      const ranks = values[metric]!.map((layer, il) => tokenRanks(layer, lab.ffnSize[il]!));
      for (const ratio of RATIOS) {
        const layers = ranks.map((of, il) => tokenMask(of, roundRows(ratio, lab.ffnSize[il]!, 1)));
        points.push(await bench.point(`per token, ${metric}`, ratio, layers));
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

/** The rank of every neuron at every token, 0 for the highest of `values`; `[tokens, n_ff]` both. */
function tokenRanks(values: Float32Array, size: number): Uint32Array {
  const ranks = new Uint32Array(values.length);
  for (let at = 0; at < values.length; at += size) {
    rankedRows(values.subarray(at, at + size)).forEach((row, rank) => (ranks[at + row] = rank));
  }
  return ranks;
}

const tokenMask = (ranks: Uint32Array, count: number): StudyMask => ({
  tokenKeep: Uint8Array.from(ranks, (rank) => (rank < count ? 1 : 0)),
});
