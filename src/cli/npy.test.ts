import assert from "node:assert/strict";
import { encodeNpy } from "./npy";

describe("npy", () => {
  it("is what NumPy 1.0 expects, byte for byte", () => {
    const bytes = encodeNpy([Float32Array.of(1, 2, 3), Float32Array.of(4, 5, -6.5)]);
    const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    assert.equal(bytes.subarray(0, 10).toString("hex"), "934e554d50590100" + "7600");
    assert.equal(bytes.subarray(10, 128).toString("latin1"), `${head.padEnd(117)}\n`);
    assert.equal(bytes.length, 128 + 24);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((i) => bytes.readFloatLE(128 + 4 * i)),
      [1, 2, 3, 4, 5, -6.5],
    );
  });

  it("refuses rows of different lengths", () => {
    assert.throws(() => encodeNpy([new Float32Array(2), new Float32Array(3)]), RangeError);
  });
});
