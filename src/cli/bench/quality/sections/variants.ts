import type { StudyMask } from "../../../../engine/study";
import { roundRows } from "../../../../sparsity/budget";
import { topRows } from "../../../../sparsity/ranking";
import type { CaseBench, ScoreOptions } from "../caseBench";
import { COMPARED_RATIOS, meanScores, normalised, withMeans, type Scores } from "../masks";
import type { Section, SectionTools } from "../section";
import type { Point } from "../store";

/** The plain way, which every other series of the section is compared with. */
export const PLAIN = "plain";

/** Other ways to score, by the name of their series. */
const SCORED: Readonly<Record<string, ScoreOptions>> = {
  "window 64": { window: 64 },
  "window 128": { window: 128 },
  "window 512": { window: 512 },
  "labels: the model's own choice": { labels: "greedy" },
  "scores of the mean": { aggregation: "of-mean" },
  "norm-weighted scores": { aggregation: "norm" },
};

/** One change at a time to the plain way: 256 tokens, their own labels, mean scores, uniform, zeroed, dense prefix. */
export const VARIANTS_SECTION: Section = {
  name: "variants",
  version: 2,
  usesProfiles: true,
  async measure(bench, tools) {
    const { metric } = tools.settings;
    const scores = await bench.scores(metric);
    const points: Point[] = [];
    const add = async (
      series: string,
      mask: (ratio: number) => readonly StudyMask[],
      densePrefix = true,
    ): Promise<void> => {
      for (const ratio of COMPARED_RATIOS) {
        points.push(await bench.point(series, ratio, mask(ratio), { densePrefix }));
      }
    };
    const keep = (of: Scores) => (ratio: number) => bench.masks.keep(of, ratio);

    await add(PLAIN, keep(scores));
    for (const [series, options] of Object.entries(SCORED)) {
      await add(series, keep(await bench.scores(metric, options)));
    }
    for (const [series, prior] of priors(bench, tools, scores)) {
      await add(series, keep(prior));
    }
    await add("budget by score mass", (ratio) => bench.masks.keep(scores, ratio, "score-mass"));
    await add("sparse prefill, too", keep(scores), false);
    const { heads, means } = await bench.plain();
    await add("heads, too", (ratio) => withHeads(bench.masks.keep(scores, ratio), heads[metric]!, ratio));
    await add("mean left behind", (ratio) => withMeans(bench.masks.keep(scores, ratio), means));
    for (const other of NORM_WEIGHTED.filter((name) => name !== metric)) {
      await add(`${other}, norm-weighted scores`, keep(await bench.scores(other, { aggregation: "norm" })));
    }
    for (const other of COMPENSATED.filter((name) => name !== metric)) {
      const own = await bench.scores(other);
      await add(other, keep(own));
      await add(`${other}, mean left behind`, (ratio) => withMeans(bench.masks.keep(own, ratio), means));
    }
    return points;
  },
};

/** Metrics whose norm-weighted form is compared, too. */
const NORM_WEIGHTED = ["corrected-gxo-weighted", "snip"] as const;

/** Metrics whose mean-compensated form is compared, too. */
const COMPENSATED = ["corrected-gxo-weighted", "snip", "wanda", "flap"] as const;

function priors(bench: CaseBench, { profiles }: SectionTools, scores: Scores): [string, Scores][] {
  const { path, language } = bench.hole.file;
  const own = normalised(scores);
  const found: [string, Scores | undefined][] = [
    ["other files", profiles.prior(path)],
    ["other files of the language", profiles.prior(path, language)],
  ];
  return found.flatMap(([name, prior]) =>
    prior === undefined
      ? []
      : [
          [`${name} alone`, prior] as [string, Scores],
          [`fused with ${name}`, meanScores([own, prior])] as [string, Scores],
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
