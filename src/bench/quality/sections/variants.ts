import type { StudyMask } from "../../../engine/study";
import { roundRows } from "../../../sparsity/budget";
import type { Metric } from "../../../sparsity/metrics";
import { topRows } from "../../../sparsity/ranking";
import type { Point } from "../../common/store";
import type { CaseBench, ScoreOptions } from "../caseBench";
import { COMPARED_RATIOS, meanScores, normalised, withMeans, type Scores } from "../masks";
import type { Section, SectionTools } from "../section";

/** Between a metric and what is changed in it, in the name of a series. */
const SEPARATOR = ": ";

/** The series that a variant is compared with on the same cases: its metric alone. */
export function plainOf(series: string): string | undefined {
  const at = series.indexOf(SEPARATOR);
  return at < 0 ? undefined : series.slice(0, at);
}

/** Other windows; those that the plain way has are left out. */
const WINDOWS: Readonly<Record<string, ScoreOptions>> = {
  "window of 64 tokens": { window: 64 },
  "window of 128 tokens": { window: 128 },
  "window of 512 tokens": { window: 512 },
};

/** What only metrics that use the gradient can do otherwise. */
const GRADIENT: Readonly<Record<string, ScoreOptions>> = {
  "labels by the model's own choice": { labels: "greedy" },
  "scores of the mean": { aggregation: "of-mean" },
  "norm-weighted scores": { aggregation: "norm" },
};

/** Scores that other files have a part in. */
export const FUSED = "fused with other files";
export const FUSED_WITHIN_LANGUAGE = "fused with other files of the language";

/** The paper's, for what concerns attribution. */
const ATTRIBUTED: Metric = "corrected-gxo";
/** Its correction in proportion to the outgoing weight. */
const WEIGHTED: Metric = "corrected-gxo-weighted";

/** One change at a time to the plain way: 256 tokens, their own labels, mean scores, uniform, zeroed, dense prefix. */
export const VARIANTS_SECTION: Section = {
  name: "variants",
  version: 6,
  usesProfiles: true,
  async measure(bench, tools) {
    const { metric } = tools.settings;
    const scores = await bench.scores(metric);
    const points: Point[] = [];
    const add = async (
      of: Metric,
      change: string | undefined,
      mask: (ratio: number) => readonly StudyMask[],
      densePrefix = true,
    ): Promise<void> => {
      const series = change === undefined ? of : `${of}${SEPARATOR}${change}`;
      for (const ratio of COMPARED_RATIOS) {
        points.push(await bench.point(series, ratio, mask(ratio), { densePrefix }));
      }
    };
    const keep = (of: Scores) => (ratio: number) => bench.masks.keep(of, ratio);

    await add(metric, undefined, keep(scores));
    for (const [change, options] of Object.entries(WINDOWS)) {
      await add(metric, change, keep(await bench.scores(metric, options)));
    }
    for (const [change, prior] of priors(bench, tools, scores)) {
      await add(metric, change, keep(prior));
    }
    await add(metric, "budget by score mass", (ratio) => bench.masks.keep(scores, ratio, "score-mass"));
    const { wanda } = (await bench.plain()).neurons;
    await add(metric, "budget by error", (ratio) => bench.masks.keep(scores, ratio, wanda));
    await add(metric, "sparse prefill, too", keep(scores), false);
    const { heads, means } = await bench.plain();
    await add(metric, "heads, too", (ratio) =>
      withHeads(bench.masks.keep(scores, ratio), heads[metric]!, ratio),
    );
    await add(metric, "mean left behind", (ratio) => withMeans(bench.masks.keep(scores, ratio), means));

    const attributed = await bench.scores(ATTRIBUTED);
    if (metric !== ATTRIBUTED) {
      await add(ATTRIBUTED, undefined, keep(attributed));
      await add(ATTRIBUTED, "window of 64 tokens", keep(await bench.scores(ATTRIBUTED, { window: 64 })));
      await add(ATTRIBUTED, "mean left behind", (ratio) =>
        withMeans(bench.masks.keep(attributed, ratio), means),
      );
      await add(ATTRIBUTED, "heads, too", (ratio) =>
        withHeads(bench.masks.keep(attributed, ratio), heads[ATTRIBUTED]!, ratio),
      );
    }
    for (const [change, options] of Object.entries(GRADIENT)) {
      await add(ATTRIBUTED, change, keep(await bench.scores(ATTRIBUTED, options)));
    }
    const weighted = await bench.scores(WEIGHTED);
    await add(ATTRIBUTED, "correction by outgoing weight", keep(weighted));
    await add(
      ATTRIBUTED,
      "correction by outgoing weight, norm-weighted scores",
      keep(await bench.scores(WEIGHTED, { aggregation: "norm" })),
    );
    return points;
  },
};

function priors(bench: CaseBench, { profiles }: SectionTools, scores: Scores): [string, Scores][] {
  const { path, language } = bench.hole.file;
  const own = normalised(scores);
  const found: [alone: string, fused: string, Scores | undefined][] = [
    ["other files alone", FUSED, profiles.prior(path)],
    ["other files of the language alone", FUSED_WITHIN_LANGUAGE, profiles.prior(path, language)],
  ];
  return found.flatMap(([alone, fused, prior]): [string, Scores][] =>
    prior === undefined
      ? []
      : [
          [alone, prior],
          [fused, meanScores([own, prior])],
        ],
  );
}

function withHeads(masks: readonly StudyMask[], heads: Scores, ratio: number): StudyMask[] {
  return masks.map((mask, layer) => {
    const kept = new Uint8Array(heads[layer]!.length);
    for (const head of topRows(heads[layer]!, roundRows(ratio, kept.length, 1))) {
      kept[head] = 1;
    }
    return { ...mask, heads: kept };
  });
}
