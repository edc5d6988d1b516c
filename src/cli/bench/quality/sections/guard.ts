import { createStudy, type StudyMask, type StudyResult } from "../../../../engine/study";
import { chooseRatio, curvePoint, type CurvePoint } from "../../../../sparsity/guard";
import type { CaseBench } from "../caseBench";
import { PREFIX_TOKENS } from "../lab";
import { withMeans } from "../masks";
import type { Section } from "../section";
import type { Point } from "../store";

/** As `Sparsifier` tries them, and as `planWindow` cuts what is held out. */
const GUARD_RATIOS = [0.7, 0.5, 0.4, 0.3, 0.2] as const;
const GUARD_TOKENS = 96;
const GUARD_CONTEXT = 64;

const TOLERANCES = [0.02, 0.05, 0.1, 0.2] as const;

/**
 * What the guard lets through: it chooses the ratio by what the mask loses on tokens before the window, and what counts is
 * what that mask then loses at the hole.
 */
export const GUARD_SECTION: Section = {
  name: "guard",
  version: 1,
  async measure(bench, { settings }) {
    const scores = await bench.scores(settings.metric);
    const { means } = await bench.plain();
    const masks = (ratio: number): StudyMask[] => withMeans(bench.masks.keep(scores, ratio), means);
    const curve = await guardCurve(bench, masks);
    const points: Point[] = [];
    for (const tolerance of curve === undefined ? [] : TOLERANCES) {
      const ratio = chooseRatio(curve!, tolerance);
      const point = await bench.point("guard", tolerance, masks(ratio));
      const { loss, dense } = point.values;
      const kept = loss! <= dense! * (1 + tolerance) ? 1 : 0;
      points.push({ ...point, values: { ...point.values, ratio, kept } });
    }
    return points;
  },
};

/** Undefined when the file has too little text before the window. */
async function guardCurve(
  { lab, before }: CaseBench,
  masks: (ratio: number) => readonly StudyMask[],
): Promise<CurvePoint[] | undefined> {
  const earlier = before.slice(0, before.length - PREFIX_TOKENS).slice(-(GUARD_CONTEXT + GUARD_TOKENS));
  if (earlier.length < GUARD_CONTEXT + GUARD_TOKENS) {
    return undefined;
  }
  const tokens = lab.withBos(earlier);
  const { model, threads } = lab.session;
  const from = tokens.length - GUARD_TOKENS;
  const study = await createStudy(model, Int32Array.from(tokens), { from, threads });
  try {
    const points: CurvePoint[] = [];
    for (const ratio of GUARD_RATIOS) {
      const result: StudyResult = await study.run({ layers: masks(ratio) });
      points.push(curvePoint(ratio, study.dense, result));
    }
    return points;
  } finally {
    study.dispose();
  }
}
