import type { Bench } from "../common/environment";
import type { AttributionRow, SpeedRow } from "./measure";
import { TABLE_QUANTS, TABLE_SHAPES, type Experiment } from "./plan";
import type { SpeedRecord } from "./records";

export interface SpeedReport {
  readonly environment: Bench;
  readonly models: readonly ModelSpeed[];
  /** Shapes and quantisations of the overview that no row is of. */
  readonly notMeasured: readonly string[];
}

export interface ModelSpeed {
  readonly model: string;
  readonly ratios: readonly SpeedRecord<SpeedRow>[];
  readonly threads: readonly SpeedRecord<SpeedRow>[];
  readonly context: readonly SpeedRecord<SpeedRow>[];
  readonly attribution: readonly SpeedRecord<AttributionRow>[];
}

/** @param records of one machine */
export function makeSpeedReport(records: readonly SpeedRecord[], environment: Bench): SpeedReport {
  const names = [...new Set(records.map(({ model }) => model))];
  const models = names.map((model) => {
    const of = <Values>(experiment: Experiment): SpeedRecord<Values>[] =>
      records.filter((one) => one.model === model && one.experiment === experiment) as SpeedRecord<Values>[];
    return {
      model,
      ratios: of<SpeedRow>("ratios").sort(byName),
      threads: of<SpeedRow>("threads").sort((a, b) => a.threads - b.threads || byName(a, b)),
      context: of<SpeedRow>("context").sort((a, b) => a.promptTokens - b.promptTokens || byName(a, b)),
      attribution: of<AttributionRow>("attribution"),
    };
  });
  return {
    environment,
    models: models.sort((a, b) => placeOf(a.model) - placeOf(b.model) || a.model.localeCompare(b.model)),
    notMeasured: TABLE_SHAPES.flatMap((shape) => TABLE_QUANTS.map((quant) => `${shape} ${quant}`)).filter(
      (name) => !names.some((model) => isOf(model, name)),
    ),
  };
}

/** Whether a file is the generated model of `SHAPE QUANT`. */
export function isOf(model: string, name: string): boolean {
  const [shape, quant] = name.split(" ") as [string, string];
  return model.startsWith(`${shape}-random`) && model.endsWith(`.${quant}.gguf`);
}

/** In the order of the shapes, then of the quantisations; other models last. */
function placeOf(model: string): number {
  const place = TABLE_SHAPES.flatMap((shape) => TABLE_QUANTS.map((quant) => `${shape} ${quant}`)).findIndex(
    (name) => isOf(model, name),
  );
  return place < 0 ? Infinity : place;
}

/** Stock first, then from everything down. */
function byName(a: SpeedRecord, b: SpeedRecord): number {
  const rank = ({ name }: SpeedRecord): number => (name === "stock" ? 0 : 1);
  return rank(a) - rank(b) || b.share - a.share;
}
