import assert from "node:assert/strict";
import { interpret, type Shown } from "./acceptance";

const shown: Shown = { document: "a", offset: 10, text: "(value, 1);" };
const change = (text: string, offset = 10, removed = 0): ReturnType<typeof interpret> =>
  interpret(shown, { document: "a", offset, removed, text });

describe("interpret", () => {
  it("takes one character for typing", () => {
    assert.deepEqual(change("("), {
      kind: "advanced",
      characters: 1,
      accepted: false,
      rest: { document: "a", offset: 11, text: "value, 1);" },
    });
  });
  it("takes an auto-closed pair for typing", () => {
    const result = change("()");
    assert.deepEqual(result.kind === "advanced" && [result.accepted, result.rest.text], [
      false,
      "value, 1);",
    ]);
  });
  it("takes a word for partial acceptance", () => {
    const result = change("(value");
    assert.equal(result.kind === "advanced" && result.accepted, true);
  });
  it("takes the whole for acceptance", () => {
    assert.deepEqual(change("(value, 1);"), { kind: "completed", characters: 11, accepted: true });
  });
  it("knows when it is gone", () => {
    assert.deepEqual(change("x"), { kind: "gone" });
    assert.deepEqual(change("", 9, 1), { kind: "gone" });
    assert.deepEqual(change("(value", 9), { kind: "gone" });
  });
  it("does not care about other documents or text further down", () => {
    assert.deepEqual(interpret(shown, { document: "b", offset: 10, removed: 0, text: "(" }), {
      kind: "none",
    });
    assert.deepEqual(change("abc", 40), { kind: "none" });
  });
  it("counts a CRLF document's line break as its suggestion's", () => {
    const lines = { ...shown, text: "a\nb" };
    const result = interpret(lines, { document: "a", offset: 10, removed: 0, text: "a\r\n" });
    assert.deepEqual(result.kind === "advanced" && [result.rest.offset, result.rest.text], [13, "b"]);
  });
});
