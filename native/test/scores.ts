import assert from "node:assert/strict";
import type { AttributionResult, NativeMetric } from "../../src/engine/native";
import type { ReferenceScores } from "./reference/metrics";
import { cosine, relativeError } from "./support";

/** All that need no other options. */
export const METRICS: readonly NativeMetric[] = [
  "corrected-gxo",
  "corrected-gxo-weighted",
  "gxo",
  "snip",
  "gradient",
  "magnitude",
  "griffin",
  "wanda",
  "flap",
];

export function assertScores(
  actual: AttributionResult,
  expected: ReferenceScores,
  metrics: readonly NativeMetric[],
  check: (actual: Float32Array, expected: Float64Array, what: string) => void,
): void {
  for (const kind of ["neurons", "heads"] as const) {
    for (const metric of metrics) {
      expected[kind][metric]!.forEach((layer, il) => {
        const scores = actual[kind][metric]?.[il];
        assert.ok(scores, `${metric} of ${kind} is missing`);
        assert.equal(scores.length, layer.length);
        check(scores, layer, `${metric} of the ${kind} of layer ${il}`);
      });
    }
  }
  expected.means.forEach((layer, il) => check(actual.means[il]!, layer, `means of layer ${il}`));
}

export const within = (limit: number) => (actual: Float32Array, expected: Float64Array, what: string) => {
  const error = relativeError(actual, expected);
  assert.ok(error <= limit, `${what}: relative error ${error.toExponential(2)} > ${limit}`);
};

export const aligned = (limit: number) => (actual: Float32Array, expected: Float64Array, what: string) => {
  const similarity = cosine(actual, expected);
  assert.ok(similarity >= limit, `${what}: cosine ${similarity} < ${limit}`);
};
