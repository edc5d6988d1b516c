import assert from "node:assert/strict";
import type { CacheKey } from "./cache";
import { InFlight } from "./inFlight";
import { at } from "./testing";

const key = (text: string): CacheKey => {
  const cursor = at(text);
  return { ...cursor, document: "a", offset: cursor.prefix.length };
};

function running(written: string): {
  inFlight: InFlight<string>;
  signal: AbortSignal;
  generation: ReturnType<InFlight<string>["start"]>;
} {
  const inFlight = new InFlight<string>(0);
  let signal!: AbortSignal;
  const generation = inFlight.start(key("call│\n"), (s, onText) => {
    signal = s;
    onText(written);
    return new Promise((_, reject) => s.addEventListener("abort", () => reject(new Error("cancelled"))));
  });
  return { inFlight, signal, generation };
}

describe("InFlight", () => {
  it("keeps a generation that typing agrees with", () => {
    const { inFlight, generation, signal } = running("(a, ");
    inFlight.moved([key("call(a│\n")]);
    assert.equal(inFlight.join(key("call(a│)\n")), generation);
    assert.equal(signal.aborted, false);
  });
  it("keeps a generation that is still behind the typist", () => {
    const { inFlight, generation } = running("(");
    assert.equal(inFlight.join(key("call(abc│\n")), generation);
  });
  it("stops a generation that typing contradicts, at once", () => {
    const { inFlight, signal } = running("(a, ");
    inFlight.moved([key("call[│\n")]);
    assert.equal(signal.aborted, true);
    assert.equal(inFlight.join(key("call│\n")), undefined);
  });
  it("stops a generation when the cursor goes elsewhere", () => {
    const { inFlight, signal } = running("(a, ");
    inFlight.moved([key("cal│l\n")]);
    assert.equal(signal.aborted, true);
  });
  it("keeps a generation when one of several places agrees", () => {
    const { inFlight, signal } = running("(a, ");
    inFlight.moved([key("call()│\n"), key("call(│)\n")]);
    assert.equal(signal.aborted, false);
  });
  it("stops when its document is closed", () => {
    const { inFlight, signal } = running("(a, ");
    inFlight.closed("b");
    assert.equal(signal.aborted, false);
    inFlight.closed("a");
    assert.equal(signal.aborted, true);
  });
  it("stops the one before when another starts", () => {
    const { inFlight, signal } = running("(a");
    void inFlight.start(key("other│"), () => Promise.resolve("x"));
    assert.equal(signal.aborted, true);
  });
  it("stops when nobody waits any longer, unless someone asks again", async () => {
    const { inFlight, signal, generation } = running("(a");
    const first = inFlight.hold(generation);
    first();
    const second = inFlight.hold(generation);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(signal.aborted, false);
    second();
    second();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(signal.aborted, true);
  });
  it("is free again after a generation ends or fails", async () => {
    const inFlight = new InFlight<string>(0);
    await inFlight.start(key("a│"), () => Promise.resolve("b")).done;
    assert.equal(inFlight.join(key("a│")), undefined);
    await assert.rejects(inFlight.start(key("a│"), () => Promise.reject(new Error("no"))).done);
    assert.equal(inFlight.join(key("a│")), undefined);
  });
});
