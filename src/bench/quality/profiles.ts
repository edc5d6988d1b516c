import type { Metric } from "../../sparsity/metrics";
import { quantile } from "../common/bootstrap";
import type { CaseBench } from "./caseBench";
import { meanScores, normalised, type Scores } from "./masks";

/** Shares of values at which distributions are kept. */
export const LEVELS: readonly number[] = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);

interface Profile {
  readonly path: string;
  readonly language: string;
  readonly group: string;
  readonly scores: Scores;
  /** Quantiles of |x| at {@link LEVELS}, per layer. */
  readonly sizes: readonly Float64Array[];
}

/** What is known of the other files when one of them is measured: always without that file itself. */
export class Profiles {
  private readonly profiles: Profile[] = [];

  constructor(private readonly metric: Metric) {}

  async add(bench: CaseBench): Promise<void> {
    const { path, language, group } = bench.hole.file;
    const scores = normalised(await bench.scoresAlone(this.metric));
    this.profiles.push({ path, language, group, scores, sizes: await sizesOf(bench) });
  }

  /** All cases, unless they are known. */
  async addAll(benches: readonly CaseBench[]): Promise<void> {
    for (const bench of this.profiles.length === 0 ? benches : []) {
      await this.add(bench);
      await bench.dispose();
    }
  }

  /** Mean scores of the other files (of one language); undefined without any. */
  prior(path: string, language?: string): Scores | undefined {
    const others = this.others(path).filter((other) => language === undefined || other.language === language);
    return others.length === 0 ? undefined : meanScores(others.map(({ scores }) => scores));
  }

  /** Scores of one other file: of the same group, of the same language elsewhere, or of another language. */
  other(path: string, relation: "neighbour" | "same language" | "other language"): Scores | undefined {
    const self = this.profiles.find((profile) => profile.path === path);
    return this.others(path).find(({ language, group }) => {
      const sameGroup = group === self?.group;
      const sameLanguage = language === self?.language;
      return relation === "neighbour"
        ? sameGroup && sameLanguage
        : relation === "same language"
          ? sameLanguage && !sameGroup
          : !sameLanguage;
    })?.scores;
  }

  /** The level of |x| below which a share of a layer's activations lie in the other files. */
  threshold(path: string, layer: number, level: number): number | undefined {
    const at = LEVELS.findIndex((known) => Math.abs(known - level) < 1e-9);
    const others = this.others(path);
    const values = others.map(({ sizes }) => sizes[layer]![at]!);
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
  }

  private others(path: string): Profile[] {
    return this.profiles.filter((profile) => profile.path !== path);
  }
}

/** Distributions are taken from every fourth token: that is enough for a percentile. */
export const TOKEN_STEP = 4;

/** Quantiles of |x| over the tokens before the hole. */
export async function sizesOf(bench: CaseBench): Promise<Float64Array[]> {
  const study = await bench.study();
  return bench.lab.layers.map((layer) => {
    const { x } = study.activations(layer);
    const size = bench.lab.ffnSize[layer]!;
    const sizes = new Float32Array(size * Math.ceil(bench.from / TOKEN_STEP));
    for (let t = 0, at = 0; t < bench.from; t += TOKEN_STEP) {
      for (let row = 0; row < size; row++) {
        sizes[at++] = Math.abs(x[t * size + row]!);
      }
    }
    sizes.sort();
    return Float64Array.from(LEVELS, (level) => quantile(sizes, level));
  });
}
