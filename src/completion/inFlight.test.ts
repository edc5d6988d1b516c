import assert from "node:assert/strict";
import { InFlight, type Running } from "./inFlight";
import type { Place } from "./place";
import { Shaper } from "./shaper";
import { placeAt } from "./testing";
import { Trail } from "./trail";

const trailAt = (text: string): Trail => new Trail(placeAt(text), new Shaper(), "statement");

function running(written: string): { inFlight: InFlight; signal: AbortSignal; run: Running } {
  const inFlight = new InFlight(0);
  let signal!: AbortSignal;
  const run = inFlight.start(trailAt("call│\n"), (s, onText) => {
    signal = s;
    onText(written);
    return new Promise((_, reject) => s.addEventListener("abort", () => reject(new Error("cancelled"))));
  });
  return { inFlight, signal, run };
}

const place = (text: string): Place => placeAt(text);

describe("InFlight", () => {
  it("keeps a generation that typing agrees with", () => {
    const { inFlight, run, signal } = running("(a, ");
    inFlight.moved([place("call(a│\n")]);
    assert.equal(inFlight.join(place("call(a│)\n")), run);
    assert.equal(signal.aborted, false);
  });
  it("keeps a generation that is still behind the typist", () => {
    const { inFlight, run } = running("(");
    assert.equal(inFlight.join(place("call(abc│\n")), run);
  });
  it("stops a generation that typing contradicts, at once", () => {
    const { inFlight, signal } = running("(a, ");
    inFlight.moved([place("call[│\n")]);
    assert.equal(signal.aborted, true);
    assert.equal(inFlight.join(place("call│\n")), undefined);
  });
  it("stops a generation when the cursor goes elsewhere", () => {
    const { inFlight, signal } = running("(a, ");
    inFlight.moved([place("cal│l\n")]);
    assert.equal(signal.aborted, true);
  });
  it("keeps a generation when one of several places agrees", () => {
    const { inFlight, signal } = running("(a, ");
    inFlight.moved([place("call()│\n"), place("call(│)\n")]);
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
    inFlight.start(trailAt("other│"), () => Promise.resolve({ text: "x", end: "finished" }));
    assert.equal(signal.aborted, true);
  });
  it("stops when nobody waits any longer, unless someone asks again", async () => {
    const { inFlight, signal, run } = running("(a");
    const first = inFlight.hold(run);
    first();
    const second = inFlight.hold(run);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(signal.aborted, false);
    second();
    second();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(signal.aborted, true);
  });
  it("goes on when it has been shown", async () => {
    const { inFlight, signal, run } = running("(a");
    inFlight.hold(run)(true);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(signal.aborted, false);
  });
  it("tells of every piece of text, and of the end", async () => {
    const inFlight = new InFlight(0);
    let write!: (text: string) => void;
    let end!: () => void;
    const run = inFlight.start(trailAt("a│"), (_, onText) => {
      write = onText;
      return new Promise((resolve) => {
        end = () => resolve({ text: "bc", end: "finished" });
      });
    });
    let grown = run.grown();
    write("b");
    await grown;
    grown = run.grown();
    end();
    await grown;
    assert.equal(run.trail.open, false);
  });
  it("is free again after a generation ends or fails", async () => {
    const inFlight = new InFlight(0);
    await inFlight.start(trailAt("a│"), () => Promise.resolve({ text: "b", end: "finished" })).done;
    assert.equal(inFlight.trail, undefined);
    const failing = inFlight.start(trailAt("a│"), () => Promise.reject(new Error("no")));
    await assert.rejects(failing.done);
    assert.equal(inFlight.join(place("a│")), undefined);
  });
});
