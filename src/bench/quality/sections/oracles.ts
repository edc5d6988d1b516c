import type { StudyMask, TokenChoice } from "../../../engine/study";
import { roundRows } from "../../../sparsity/budget";
import type { Point } from "../../common/store";
import type { CaseBench } from "../caseBench";
import { RATIOS } from "../masks";
import type { Section } from "../section";

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
      const sorted = values[metric]!.map((layer, il) => sortedTokens(layer, lab.ffnSize[il]!));
      for (const ratio of RATIOS) {
        const layers = values[metric]!.map((layer, il) => {
          const size = lab.ffnSize[il]!;
          return { tokenKeep: topOfTokens(layer, sorted[il]!, size, roundRows(ratio, size, 1)) };
        });
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

/** Each token's values, ascending; `[tokens, n_ff]` both. */
function sortedTokens(values: Float32Array, size: number): Float32Array {
  const sorted = values.slice();
  for (let at = 0; at < sorted.length; at += size) {
    sorted.subarray(at, at + size).sort();
  }
  return sorted;
}

/** 1 for the `count` largest values of each token, and for those equal to the least of them. */
function topOfTokens(values: Float32Array, sorted: Float32Array, size: number, count: number): Uint8Array {
  const keep = new Uint8Array(values.length);
  for (let at = 0; at < values.length; at += size) {
    const least = sorted[at + size - count]!;
    for (let i = at; i < at + size; i++) {
      keep[i] = values[i]! >= least ? 1 : 0;
    }
  }
  return keep;
}
