import assert from "node:assert/strict";
import type { GgufHeader } from "../models/gguf";
import { kvBytesPerToken } from "./kvSize";

const header = (values: Readonly<Record<string, number>>): GgufHeader => ({
  version: 3,
  fileBytes: 0,
  tensors: [],
  dataOffset: 0,
  metadata: new Map<string, string | number>([
    ["general.architecture", "m"],
    ...Object.entries(values).map(([key, value]) => [`m.${key}`, value] as const),
  ]),
});

describe("kvBytesPerToken", () => {
  const shape = { block_count: 4, embedding_length: 64, "attention.head_count": 8 };

  it("counts keys and values of all layers", () => {
    assert.equal(kvBytesPerToken(header(shape)), 4 * 8 * (8 + 8) * 2);
  });

  it("counts shared heads once and heads of other sizes as they are", () => {
    assert.equal(kvBytesPerToken(header({ ...shape, "attention.head_count_kv": 2 })), 4 * 2 * 16 * 2);
    const sized = { ...shape, "attention.key_length": 16, "attention.value_length": 32 };
    assert.equal(kvBytesPerToken(header(sized)), 4 * 8 * 48 * 2);
  });

  it("is nothing for a recurrent model, which says that it has no heads", () => {
    assert.equal(kvBytesPerToken(header({ ...shape, "attention.head_count": 0 })), 0);
  });
});
