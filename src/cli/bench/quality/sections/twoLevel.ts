import type { StudyMask } from "../../../../engine/study";
import { levelsFor } from "../../../../sparsity/levels";
import type { Metric } from "../../../../sparsity/metrics";
import type { Budget } from "../../../../sparsity/selection";
import { quantile } from "../bootstrap";
import type { CaseBench } from "../caseBench";
import { meanScores, normalised, RATIOS, type Scores } from "../masks";
import { TOKEN_STEP, type Profiles } from "../profiles";
import type { Section } from "../section";
import type { Point } from "../store";
import { scoredWindow, selectedMasks } from "./selected";
import { FUSED, FUSED_WITHIN_LANGUAGE } from "./variants";

/** Share of the neurons that the file's mask keeps, and share of those that a token keeps by its gate. */
const STATIC = [1, 0.8, 0.7, 0.6, 0.5] as const;
/** Of other metrics than the plain way's. */
const OTHER_STATIC = [0.7] as const;
const PER_TOKEN = [0.7, 0.5, 0.35, 0.25] as const;

/** Everything as the engine does it; and that with scores which other files have a part in. */
export const AS_ENGINE = "both, rows by error, mean left behind (the engine)";

/** Shares of the FFN's bytes that the engine divides between the levels itself. */
const SHARES = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6] as const;

/**
 * A mask for the file, then a threshold per layer on |silu(gate)| for every token, against either alone at equal bytes
 * of the FFN: gates of all kept neurons are read, up and down only of those over the threshold. Thresholds are
 * calibrated on the tokens before the hole. x is the nominal share of bytes; the value `bytes` is what was really read.
 */
export const TWO_LEVEL_SECTION: Section = {
  name: "two-level",
  version: 5,
  usesProfiles: true,
  async measure(bench, { settings, profiles }) {
    const points: Point[] = [];
    const metrics = [...new Set<Metric>([settings.metric, "corrected-gxo"])];
    for (const metric of metrics) {
      const scores = await bench.scores(metric);
      for (const ratio of RATIOS) {
        points.push(await twoLevelPoint(bench, `static, ${metric}`, ratio, bench.masks.keep(scores, ratio)));
      }
      for (const kept of metric === settings.metric ? STATIC : OTHER_STATIC) {
        points.push(...(await chosen(bench, metric, scores, kept)));
      }
    }
    points.push(...(await selected(bench, settings.metric, profiles)));
    return points;
  },
};

async function chosen(bench: CaseBench, metric: Metric, scores: Scores, kept: number): Promise<Point[]> {
  const points: Point[] = [];
  const base = bench.masks.keep(scores, kept);
  for (const weighted of kept < 1 ? [false] : [false, true]) {
    const calibrated = await calibrate(bench, base, weighted);
    for (const share of PER_TOKEN) {
      const layers = base.map((mask, layer) => ({
        ...mask,
        choice: {
          by: "gate" as const,
          threshold: quantile(calibrated[layer]!.values, 1 - share),
          ...(weighted ? { weights: calibrated[layer]!.weights } : {}),
        },
      }));
      const gate = weighted ? "|gate|·E|up|·‖w‖" : "|gate|";
      const series =
        kept === 1 ? `per token by ${gate}` : `${kept * 100} % static (${metric}), then per token by ${gate}`;
      points.push(await twoLevelPoint(bench, series, (kept * (1 + 2 * share)) / 3, layers));
    }
  }
  return points;
}

/** As the engine selects neurons, step by step: one threshold for all layers, rows shared out by error, and means left behind. */
async function selected(bench: CaseBench, metric: Metric, profiles: Profiles): Promise<Point[]> {
  const points: Point[] = [];
  const own = await scoredWindow(bench, metric);
  const add = async (
    series: string,
    { thresholds, budget, means }: { thresholds: boolean; budget: Budget; means: boolean },
    scores: Scores = own.scores,
  ): Promise<void> => {
    for (const share of SHARES) {
      const layers = selectedMasks(bench, { ...own, scores }, levelsFor(share, thresholds), budget, means);
      points.push(await twoLevelPoint(bench, series, share, layers));
    }
  };
  await add(`static (${metric}), rows by error`, { thresholds: false, budget: "error", means: false });
  await add(`static (${metric}), then per token by one weighted threshold`, {
    thresholds: true,
    budget: "uniform",
    means: false,
  });
  await add("both, rows by error", { thresholds: true, budget: "error", means: false });
  const engine = { thresholds: true, budget: "error", means: true } as const;
  await add(AS_ENGINE, engine);
  const { path, language } = bench.hole.file;
  const priors = { [FUSED]: profiles.prior(path), [FUSED_WITHIN_LANGUAGE]: profiles.prior(path, language) };
  for (const [change, prior] of Object.entries(priors)) {
    if (prior !== undefined) {
      await add(`${AS_ENGINE}: ${change}`, engine, meanScores([normalised(own.scores), prior]));
    }
  }
  return points;
}

async function twoLevelPoint(
  bench: CaseBench,
  series: string,
  x: number,
  layers: readonly StudyMask[],
): Promise<Point> {
  const point = await bench.point(series, x, layers);
  const bytes = bench.ffnBytes(layers, point.values.active!);
  return { ...point, values: { ...point.values, bytes } };
}

interface Calibrated {
  /** Of the neurons that are kept, over the tokens before the hole, ascending. */
  readonly values: Float32Array;
  readonly weights: Float32Array;
}

async function calibrate(
  bench: CaseBench,
  masks: readonly StudyMask[],
  weighted: boolean,
): Promise<Calibrated[]> {
  const study = await bench.study();
  return masks.map(({ keep }, layer) => {
    const { x, gate } = study.activations(layer);
    const size = keep!.length;
    const weights = weighted
      ? gateWeights(x, gate, bench.from, bench.lab.downNorms(layer))
      : new Float32Array(size).fill(1);
    const rows = Array.from(keep!.keys()).filter((row) => keep![row] === 1);
    const values = new Float32Array(rows.length * Math.ceil(bench.from / TOKEN_STEP));
    for (let t = 0, at = 0; t < bench.from; t += TOKEN_STEP) {
      for (const row of rows) {
        values[at++] = Math.abs(gate[t * size + row]!) * weights[row]!;
      }
    }
    return { values: values.sort(), weights };
  });
}

/** E|up|·‖w_down‖ of every neuron: what its gate will be multiplied with. */
function gateWeights(x: Float32Array, gate: Float32Array, tokens: number, norms: Float32Array): Float32Array {
  const size = norms.length;
  return norms.map((norm, row) => {
    let ups = 0;
    for (let t = 0; t < tokens; t++) {
      const g = gate[t * size + row]!;
      ups += g === 0 ? 0 : Math.abs(x[t * size + row]! / g);
    }
    return (norm * ups) / tokens;
  });
}
