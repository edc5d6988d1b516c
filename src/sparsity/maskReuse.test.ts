import assert from "node:assert/strict";
import type { Mask } from "./mask";
import { mismatch, type MaskUse } from "./maskReuse";

const point = (activeRatio: number, lossIncrease: number) => ({
  activeRatio,
  lossIncrease,
  top1Agreement: 1,
});
const mask: Mask = {
  modelFingerprint: "m",
  metric: "wanda",
  activeRatio: 0.4,
  sketch: new Uint32Array(),
  createdAt: 0,
  guard: [point(0.5, 0.01), point(0.4, 0.03), point(0.3, 0.2)],
  selection: { kind: "rows", layers: [{ size: 4, rows: Int32Array.of(0, 1) }] },
};
const use: MaskUse = {
  modelFingerprint: "m",
  ffnSize: [4],
  metric: "wanda",
  sparsity: 0.4,
  kind: "rows",
  maxQualityLoss: 0.05,
};

describe("mismatch", () => {
  it("is none for the same model, metric and ratio", () => {
    assert.equal(mismatch(mask, use), undefined);
  });

  it("names what differs", () => {
    assert.match(mismatch(mask, { ...use, modelFingerprint: "n" })!, /another model/);
    assert.match(mismatch(mask, { ...use, ffnSize: [8] })!, /another model/);
    assert.match(mismatch(mask, { ...use, ffnSize: [4, 4] })!, /another model/);
    assert.match(mismatch(mask, { ...use, metric: "snip" })!, /metric wanda/);
    assert.match(mismatch(mask, { ...use, sparsity: 0.3 })!, /reads 0\.4/);
    assert.match(mismatch(mask, { ...use, kind: "choice" })!, /another device/);
  });

  it("follows the guard's curve where the ratio is automatic", () => {
    assert.equal(mismatch(mask, { ...use, sparsity: "auto" }), undefined);
    assert.match(
      mismatch(mask, { ...use, sparsity: "auto", maxQualityLoss: 0.02 })!,
      /tolerated quality loss/,
    );
    assert.match(
      mismatch(mask, { ...use, sparsity: "auto", maxQualityLoss: 0.5 })!,
      /tolerated quality loss/,
    );
    assert.match(mismatch({ ...mask, guard: [] }, { ...use, sparsity: "auto" })!, /tolerated quality loss/);
  });
});
