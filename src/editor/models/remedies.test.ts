import assert from "node:assert/strict";
import { DownloadError, statusProblem, type DownloadProblem } from "../../models/download/errors";
import { remediesFor } from "./remedies";

const of = (kind: DownloadProblem): readonly string[] => remediesFor(new DownloadError(kind, "no"));

describe("remediesFor", () => {
  it("tries again what may be another time", () => {
    for (const kind of ["offline", "busy-server", "server", "interrupted", "changed", "in-use"] as const) {
      assert.deepEqual(of(kind), ["Try Again"], kind);
    }
    for (const kind of ["wrong-size", "wrong-hash"] as const) {
      assert.deepEqual(of(kind), ["Try Again"], kind);
    }
    assert.deepEqual(remediesFor(new Error("the model does not load")), ["Try Again"]);
  });
  it("looks for another model where there is none, and for another folder where it has no place", () => {
    assert.deepEqual(of("not-found"), ["Choose Another"]);
    assert.deepEqual(of("no-model"), ["Choose Another"]);
    assert.deepEqual(of("disk-full"), ["Try Again", "Open Settings"]);
    assert.deepEqual(of("folder"), ["Try Again", "Open Settings"]);
  });
  it("asks for a token where one is of use, and has nothing for who has to wait", () => {
    const url = new URL("https://models.example/a.gguf");
    const gated = (terms?: string): readonly string[] => remediesFor(statusProblem(403, url, terms, {}));
    assert.deepEqual(gated("https://huggingface.co/a/b"), ["Give a Token", "Open the Terms"]);
    assert.deepEqual(gated(), ["Select Model"]);
    assert.deepEqual(of("token"), ["Give a Token"]);
    assert.deepEqual(of("in-progress"), []);
  });
});
