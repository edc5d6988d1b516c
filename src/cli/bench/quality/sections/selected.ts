import type { StudyMask } from "../../../../engine/study";
import type { Levels } from "../../../../sparsity/levels";
import type { Metric } from "../../../../sparsity/metrics";
import { selectNeurons, type Budget, type Scored } from "../../../../sparsity/selection";
import type { CaseBench } from "../caseBench";

/** What the engine knows of the tokens before the hole when it selects neurons. */
export async function scoredWindow(bench: CaseBench, metric: Metric): Promise<Scored> {
  const { neurons, means, gates } = await bench.lab.attribute([...bench.tokens.subarray(0, bench.from + 1)], {
    metrics: [...new Set<Metric>([metric, "wanda"])],
    gates: true,
  });
  return { scores: neurons[metric]!, contributions: neurons.wanda!, means, gates: gates! };
}

/** Masks as the engine makes them. */
export function selectedMasks(
  { lab }: CaseBench,
  scored: Scored,
  levels: Levels,
  budget: Budget,
  withMeans: boolean,
): StudyMask[] {
  return selectNeurons(scored, levels, { budget, multiple: lab.rowMultiple }).map(
    ({ size, rows, means, threshold, weights }) => {
      const keep = new Uint8Array(size);
      for (const row of rows) {
        keep[row] = 1;
      }
      return {
        keep,
        ...(withMeans && means !== undefined ? { means } : {}),
        ...(threshold === undefined
          ? {}
          : { choice: { by: "gate" as const, threshold, ...(weights === undefined ? {} : { weights }) } }),
      };
    },
  );
}
