import type { NativeMetric } from "../../../src/engine/native";
import type { TestModel } from "../models/model";
import { runReference, type Pass } from "./forward";

/** The formulas of the papers, token by token, with no thought for speed. */

export interface ReferenceScores {
  readonly F: number;
  readonly neurons: Readonly<Partial<Record<NativeMetric, readonly Float64Array[]>>>;
  readonly heads: Readonly<Partial<Record<NativeMetric, readonly Float64Array[]>>>;
  readonly means: readonly Float64Array[];
}

interface Unit {
  readonly kind: "neurons" | "heads";
  readonly count: number;
  readonly width: number;
  readonly outgoing: (layer: number) => string;
}

const sum = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) {
    total += value;
  }
  return total;
};
const mean = (values: readonly number[] | Float64Array): number => sum(values) / values.length;
const norm = (values: readonly number[] | Float64Array): number => Math.sqrt(sum(values.map((v) => v * v)));

export function referenceScores(
  model: TestModel,
  tokens: Int32Array,
  window: readonly [number, number],
  igSteps: number,
  labels?: Int32Array,
): ReferenceScores {
  const { shape } = model;
  const pass = runReference(model, tokens, window, undefined, {}, labels);
  const units: readonly Unit[] = [
    { kind: "neurons", count: shape.ffn, width: 1, outgoing: (l) => `blk.${l}.ffn_down.weight` },
    {
      kind: "heads",
      count: shape.heads,
      width: shape.headSize,
      outgoing: (l) => `blk.${l}.attn_output.weight`,
    },
  ];
  const [neurons, heads] = units.map((unit) => scoresOf(model, pass, tokens, window, unit, igSteps));
  const first = window[0] - 1;
  const means = pass.neurons.map((x) =>
    Float64Array.from({ length: x.cols }, (_, i) => mean(column(x.values, x.cols, i, first, x.rows))),
  );
  return { F: pass.F, neurons: neurons!, heads: heads!, means };
}

function column(values: Float64Array, cols: number, i: number, from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, t) => values[(from + t) * cols + i]!);
}

function scoresOf(
  model: TestModel,
  pass: Pass,
  tokens: Int32Array,
  window: readonly [number, number],
  unit: Unit,
  igSteps: number,
): Partial<Record<NativeMetric, Float64Array[]>> {
  const layers = pass[unit.kind];
  const first = window[0] - 1;
  const res: Record<string, Float64Array[]> = {};
  const metric = (name: NativeMetric, layer: number, f: (k: number) => number): void => {
    (res[name] ??= [])[layer] = Float64Array.from({ length: unit.count }, (_, k) => f(k));
  };

  layers.forEach((tensor, layer) => {
    const positions = Array.from({ length: tensor.rows - first }, (_, i) => first + i);
    const at = (values: Float64Array, t: number, k: number): Float64Array =>
      values.subarray(t * tensor.cols + k * unit.width, t * tensor.cols + (k + 1) * unit.width);
    const x = (t: number, k: number): Float64Array => at(tensor.values, t, k);
    const g = (t: number, k: number): Float64Array => at(tensor.grad, t, k);
    const overTokens = (f: (t: number, k: number) => number) => (k: number) =>
      mean(positions.map((t) => f(t, k)));

    const gradient = (t: number, k: number): number => mean(g(t, k));
    const gxo = (t: number, k: number): number => mean(g(t, k).map((v, d) => v * x(t, k)[d]!));
    const gradientNorm = new Map(
      positions.map((t) => [t, norm(Array.from({ length: unit.count }, (_, k) => gradient(t, k)))]),
    );
    const tokenNorm = new Map(
      positions.map((t) => [t, norm(tensor.values.subarray(t * tensor.cols, (t + 1) * tensor.cols))]),
    );

    metric(
      "magnitude",
      layer,
      overTokens((t, k) => norm(x(t, k))),
    );
    metric("gradient", layer, overTokens(gradient));
    metric("gxo", layer, overTokens(gxo));
    metric(
      "snip",
      layer,
      overTokens((t, k) => Math.abs(gxo(t, k))),
    );
    metric(
      "corrected-gxo",
      layer,
      overTokens((t, k) => gxo(t, k) + 0.5 * norm(x(t, k)) * gradientNorm.get(t)!),
    );
    const w = model.matrix(unit.outgoing(layer));
    const outgoing = Array.from({ length: w.cols }, (_, i) => norm(column(w.values, w.cols, i, 0, w.rows)));
    const sizes = Array.from({ length: unit.count }, (_, k) =>
      norm(outgoing.slice(k * unit.width, (k + 1) * unit.width)),
    );
    metric(
      "corrected-gxo-weighted",
      layer,
      overTokens(
        (t, k) => gxo(t, k) + (0.5 * norm(x(t, k)) * gradientNorm.get(t)! * sizes[k]!) / mean(sizes),
      ),
    );
    metric("griffin", layer, (k) => norm(positions.map((t) => norm(x(t, k)) / tokenNorm.get(t)!)));

    const overWidth = (k: number, f: (values: readonly number[]) => number): number =>
      norm(
        Array.from({ length: unit.width }, (_, d) => {
          const i = k * unit.width + d;
          return f(positions.map((t) => tensor.values[t * tensor.cols + i]!)) * outgoing[i]!;
        }),
      );
    metric("wanda", layer, (k) => overWidth(k, (v) => norm(v) / Math.sqrt(v.length)));
    metric("flap", layer, (k) =>
      overWidth(k, (v) => {
        const m = mean(v);
        return norm(v.map((e) => e - m)) / Math.sqrt(v.length);
      }),
    );

    if (igSteps > 0) {
      const gradients = Array.from({ length: igSteps }, (_, s) => {
        const factor = (s + 1) / igSteps;
        return runReference(model, tokens, window, { layer, unit: unit.kind, factor })[unit.kind][layer]!
          .grad;
      });
      metric(
        "ig",
        layer,
        overTokens((t, k) => {
          const average = x(t, k).map((_, d) => mean(gradients.map((grad) => at(grad, t, k)[d]!)));
          return mean(average.map((v, d) => v * x(t, k)[d]!));
        }),
      );
    }
  });
  return res;
}
