import type { LayerRows, Selection } from "../../../sparsity/mask";
import type { Point } from "../../common/store";
import { textScores } from "../../common/textScores";
import type { CaseBench } from "../caseBench";
import { Generator } from "../generation";
import { RATIOS, type Scores } from "../masks";
import { metricsOn, type Section } from "../section";

/**
 * What a person sees: greedy completions of the hole by the engine, against what the file really says and against
 * what the dense model writes. Masks are packed as the engine packs them, with the mean of dropped neurons left behind.
 */
export const COMPLETIONS_SECTION: Section = {
  name: "completions",
  version: 2,
  usesMetrics: true,
  async measure(bench, { settings, signal }) {
    const { hole, lab } = bench;
    const generator = await Generator.create(lab.session, signal);
    try {
      const dense = (await generator.complete(hole)).text;
      const points: Point[] = [];
      const add = (series: string, x: number, text: string): void => {
        const truth = textScores(text, hole.middle);
        const own = textScores(text, dense);
        points.push({
          series,
          x,
          values: {
            ...truth,
            exactDense: own.exact,
            similarityDense: own.similarity,
            bleuDense: own.bleu,
          },
        });
      };
      const { means } = await bench.plain();
      for (const metric of metricsOn(bench, settings)) {
        const scores = await bench.scores(metric);
        for (const ratio of RATIOS) {
          await generator.mask(ratio === 1 ? undefined : rowMasks(bench, scores, means, ratio), ratio);
          add(metric, ratio, ratio === 1 ? dense : (await generator.complete(hole)).text);
        }
      }
      return points;
    } finally {
      await generator.dispose();
    }
  },
};

/** As the engine packs them. */
export function rowMasks(
  { lab, masks }: CaseBench,
  scores: Scores,
  means: readonly Float32Array[],
  ratio: number,
): Selection {
  const layers = masks
    .rows(scores, ratio)
    .map((rows, layer): LayerRows => ({ size: lab.ffnSize[layer]!, rows, means: means[layer]! }));
  return { kind: "rows", layers };
}
