import { buildPrompt } from "../../../completion/prompt";
import { createStudy, type StudyMask } from "../../../engine/study";
import type { Metric } from "../../../sparsity/metrics";
import type { Point } from "../../common/store";
import { compare, type CaseBench } from "../caseBench";
import { CONTEXT_TOKENS, PREFIX_TOKENS } from "../lab";
import { COMPARED_RATIOS, withMeans, type Scores } from "../masks";
import type { Section } from "../section";

/** Shares of the window's tokens before and in the hole that is cut into it. */
const WINDOW_PREFIX = 0.3;
const WINDOW_MIDDLE = 0.5;

/** Longest middle that is measured. */
const MIDDLE_TOKENS = 96;

/**
 * The loss where it counts: on the hole's own text in a fill-in-the-middle prompt, with masks made from the window as plain
 * text, and from the same window with a hole of its own, in the model's fill-in-the-middle form. Mean left behind.
 */
export const FIM_SECTION: Section = {
  name: "fim",
  version: 4,
  async measure(bench, { settings }) {
    const { lab, hole } = bench;
    const { tokenizer, model, threads } = lab.session;
    const end = model.tokens.eos;
    if (tokenizer.fim === undefined || end === null) {
      return [];
    }
    const middle = tokenizer.tokenize(hole.middle).slice(0, MIDDLE_TOKENS);
    const prompt = promptOf(bench, hole.prefix, hole.suffix, CONTEXT_TOKENS - MIDDLE_TOKENS - 2);
    const tokens = Int32Array.from([...prompt, ...middle, end]);
    const metrics = [...new Set<Metric>([settings.metric, "corrected-gxo", "corrected-gxo-weighted"])];
    const window = windowOf(bench, end);
    const made = await lab.attribute(window.tokens, {
      window: [window.start, window.tokens.length],
      metrics,
    });
    const plain = await bench.plain();
    const study = await createStudy(model, tokens, { from: prompt.length - 1, threads });
    try {
      const points: Point[] = [];
      const add = async (series: string, scores: Scores, means?: readonly Float32Array[]): Promise<void> => {
        for (const ratio of COMPARED_RATIOS) {
          const kept = bench.masks.keep(scores, ratio);
          const layers: StudyMask[] = means === undefined ? kept : withMeans(kept, means);
          points.push({ series, x: ratio, values: compare(study.dense, await study.run({ layers })) });
        }
      };
      for (const metric of metrics) {
        await add(`${metric}, plain window`, plain.neurons[metric]!, plain.means);
        await add(`${metric}, window with a hole`, made.neurons[metric]!, made.means);
      }
      await add(`${settings.metric}, window with a hole, zeroed`, made.neurons[settings.metric]!);
      return points;
    } finally {
      study.dispose();
    }
  },
};

function promptOf(
  { lab, hole }: CaseBench,
  prefix: string,
  suffix: string,
  budget: number,
): readonly number[] {
  const { tokenizer } = lab.session;
  const request = { prefix, suffix, path: hole.file.path, context: [], budget };
  return buildPrompt(request, tokenizer.fim, tokenizer).tokens;
}

/** The plain window's tokens with a hole in them; labels from `start` on are the hole's tokens and the end. */
function windowOf(bench: CaseBench, end: number): { readonly tokens: number[]; readonly start: number } {
  const { model } = bench.lab.session;
  const window = bench.before.slice(-PREFIX_TOKENS);
  const text = (tokens: readonly number[]): string =>
    model.detokenize(tokens as unknown as Parameters<typeof model.detokenize>[0]);
  const from = Math.round(WINDOW_PREFIX * window.length);
  const to = from + Math.round(WINDOW_MIDDLE * window.length);
  const prompt = promptOf(bench, text(window.slice(0, from)), text(window.slice(to)), 2 * PREFIX_TOKENS);
  return { tokens: [...prompt, ...window.slice(from, to), end], start: prompt.length };
}
