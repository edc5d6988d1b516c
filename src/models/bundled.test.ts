import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { bundledModel } from "./bundled";

describe("bundledModel", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "lacuna-bundled-"));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });
  const add = (file: string): string => {
    const target = path.join(root, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, "");
    return target;
  };

  it("is none where there is none", () => {
    add("media/model/README.md");
    assert.equal(bundledModel(root), undefined);
  });

  it("is Q8_0 before others", () => {
    const half = add("media/model/tiny.F16.gguf");
    assert.equal(bundledModel(root), half);
    const small = add("media/model/tiny.Q8_0.gguf");
    assert.equal(bundledModel(root), small);
  });
});
