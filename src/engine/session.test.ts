import assert from "node:assert/strict";
import type { Llama } from "node-llama-cpp";
import { modelPath } from "../../test/testModel";
import { Session } from "./session";

describe("Session.load", () => {
  it("frees a model that turns out to be of no use after it has been loaded", async () => {
    let disposed = 0;
    const bindings = {
      getIsArchSupported: () => true,
      lacuna: {
        sparsitySupport: () => {
          throw new Error("the model file has changed since it was loaded");
        },
      },
    };
    const llama = {
      _bindings: bindings,
      loadModel: () =>
        Promise.resolve({ _llama: { _bindings: bindings }, dispose: () => Promise.resolve(disposed++) }),
    };
    const params = {
      modelPath,
      contextSize: 64,
      threads: 1,
      gpu: false,
    } as const;
    const loading = Session.load(llama as unknown as Llama, params, () => undefined, undefined);
    await assert.rejects(loading, /has changed/);
    assert.equal(disposed, 1);
  });
});
