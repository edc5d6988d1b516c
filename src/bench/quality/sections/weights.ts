import { choiceOf } from "../../../sparsity/choice";
import type { Metric } from "../../../sparsity/metrics";
import { Generator } from "../generation";
import { PREFIX_TOKENS } from "../lab";
import type { Section } from "../section";
import { longHole, scorePoint } from "./engine";

/** What attribution can say of how much a neuron counts, as weights of a token's choice. */
const METRICS: readonly Metric[] = [
  "wanda",
  "corrected-gxo",
  "corrected-gxo-weighted",
  "snip",
  "griffin",
  "magnitude",
];

export const WEIGHTS_RATIOS = [0.42, 0.54] as const;

/** Without weights: what |u| and |silu(g)·u| alone choose. */
const NONE = "none";

/** Scores of which metric are the best weights: the same tokens at the same bytes. */
export const WEIGHTS_SECTION: Section = {
  name: "weights",
  version: 1,
  async measure(bench, { signal }) {
    const { lab } = bench;
    const hole = longHole(bench);
    const tokens = lab.withBos(bench.before.slice(-PREFIX_TOKENS));
    const { neurons, sizes } = await lab.attribute(tokens, { metrics: METRICS, sizes: true });
    const ones = lab.ffnSize.map((size) => new Float32Array(size).fill(1));
    const none = ones.map((one) => ({ gateWeights: one, downWeights: one }));
    const generator = await Generator.create(lab.session, signal);
    try {
      const dense = await generator.score(hole);
      const points = [];
      for (const name of [...METRICS, NONE] as const) {
        const layers = name === NONE ? none : choiceOf(neurons[name]!, sizes!);
        for (const ratio of layers === undefined ? [] : WEIGHTS_RATIOS) {
          await generator.mask({ kind: "choice", layers: layers! }, ratio);
          points.push(scorePoint(name, ratio, dense, await generator.score(hole)));
        }
      }
      return points;
    } finally {
      await generator.dispose();
    }
  },
};
