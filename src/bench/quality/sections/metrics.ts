import type { Point } from "../../common/store";
import { RATIOS } from "../masks";
import { metricsOn, type Section } from "../section";

/** Every metric at every ratio: mask fixed per file, dropped neurons zeroed, dense prefix. */
export const METRICS_SECTION: Section = {
  name: "metrics",
  version: 3,
  usesMetrics: true,
  async measure(bench, { settings }) {
    const points: Point[] = [];
    for (const metric of metricsOn(bench, settings)) {
      const scores = await bench.scores(metric);
      for (const ratio of RATIOS) {
        points.push(await bench.point(metric, ratio, bench.masks.keep(scores, ratio)));
      }
    }
    return points;
  },
};
