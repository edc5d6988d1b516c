import { similarity, sketch } from "../../../sparsity/similarity";
import { generator } from "../../common/random";
import type { Point } from "../../common/store";
import type { CaseBench } from "../caseBench";
import { PREFIX_TOKENS } from "../lab";
import { overlap, type Scores } from "../masks";
import type { Section, SectionTools } from "../section";

const REUSE_RATIOS = [0.3, 0.5] as const;

const percent = (ratio: number): string => `${Math.round(ratio * 100)} % of the neurons`;

/** What a mask made from other text loses here, and how many neurons it shares with the mask made here. */
async function reusePoints(bench: CaseBench, { settings }: SectionTools, scores: Scores): Promise<Point[]> {
  const own = await bench.scores(settings.metric);
  const points: Point[] = [];
  for (const ratio of REUSE_RATIOS) {
    const masks = bench.masks.keep(scores, ratio);
    const values = { overlap: overlap(bench.masks.keep(own, ratio), masks) };
    points.push(await bench.point(percent(ratio), ratio, masks, { values }));
  }
  return points;
}

/** The mask made for an earlier version of the file, by the two versions' similarity. */
export const EDITS_SECTION: Section = {
  name: "edits",
  version: 2,
  async measure(bench, tools) {
    const points: Point[] = [];
    for (const target of [1, 0.95, 0.9, 0.8, 0.7]) {
      const edited = edit(bench, tools, target);
      const tokens = bench.lab.session.tokenizer.tokenize(edited.text).slice(-PREFIX_TOKENS);
      const { metric } = tools.settings;
      const { neurons } = await bench.lab.attribute(bench.lab.withBos(tokens), { metrics: [metric] });
      for (const point of await reusePoints(bench, tools, neurons[metric]!)) {
        points.push({ ...point, x: target, values: { ...point.values, similarity: edited.similarity } });
      }
    }
    return points;
  },
};

/** The window's text with lines replaced by lines of another file until it is no more similar than `target`. */
function edit(
  { hole }: CaseBench,
  { files }: SectionTools,
  target: number,
): { readonly text: string; readonly similarity: number } {
  const random = generator(parseInt(hole.id.slice(0, 8), 16));
  const original = hole.prefix.slice(-PREFIX_TOKENS * 6);
  const reference = sketch(original);
  const others = files.filter(
    ({ path, language }) => path !== hole.file.path && language === hole.file.language,
  );
  const strange = (others.length === 0 ? files : others).flatMap(({ text }) =>
    text.split("\n").filter((line) => line.trim().length > 8),
  );
  const lines = original.split("\n");
  for (;;) {
    const text = lines.join("\n");
    const now = similarity(reference, sketch(text));
    if (now <= target || strange.length === 0) {
      return { text, similarity: now };
    }
    lines[Math.floor(random() * lines.length)] = strange[Math.floor(random() * strange.length)]!;
  }
}

/** The mask as it was before the last tokens were typed. */
export const AGE_SECTION: Section = {
  name: "age",
  version: 2,
  async measure(bench, tools) {
    const points: Point[] = [];
    const oldest = bench.before.length - PREFIX_TOKENS / 2;
    for (const age of [0, 16, 64, 128, 256].filter((tokens) => tokens <= oldest)) {
      const scores = await bench.scores(tools.settings.metric, age === 0 ? {} : { age });
      const found = await reusePoints(bench, tools, scores);
      points.push(...found.map((point) => ({ ...point, x: age })));
    }
    return points;
  },
};

/** The mask of another file. */
export const NEIGHBOURS_SECTION: Section = {
  name: "neighbours",
  version: 2,
  usesProfiles: true,
  async measure(bench, tools) {
    const { path } = bench.hole.file;
    const points: Point[] = [];
    const add = async (name: string, scores: Scores | undefined): Promise<void> => {
      const found = scores === undefined ? [] : await reusePoints(bench, tools, scores);
      points.push(...found.map((point) => ({ ...point, series: name })));
    };
    await add("this file", await bench.scores(tools.settings.metric));
    await add("a neighbour", tools.profiles.other(path, "neighbour"));
    await add("a file of the language", tools.profiles.other(path, "same language"));
    await add("a file of another language", tools.profiles.other(path, "other language"));
    await add("the mean of all other files", tools.profiles.prior(path));
    return points;
  },
};
