import assert from "node:assert/strict";
import { Acceptance } from "./acceptance";
import type { TraceEvent } from "./trace";

const typing = (text: string): TraceEvent[] => text.split(/(?=.)/s).map((key) => ({ ms: 1, text: key }));

describe("Acceptance", () => {
  it("counts a suggestion all of which is typed next, once", () => {
    const acceptance = new Acceptance(typing("x = foo;"));
    assert.equal(acceptance.shown(1, "= fool"), 0);
    assert.equal(acceptance.shown(1, "= foo"), 5);
    assert.equal(acceptance.shown(3, "foo"), 0, "that is accepted already");
    assert.equal(acceptance.shown(6, ";\n"), 1);
  });
  it("does not look beyond a move or a deletion", () => {
    const events = [...typing("ab"), { ms: 1, back: 1 }, ...typing("cd"), { ms: 1, to: 0, text: "e" }];
    const acceptance = new Acceptance(events);
    assert.equal(acceptance.shown(0, "bc"), 0);
    assert.equal(acceptance.shown(0, "b"), 1);
    assert.equal(acceptance.shown(2, "cde"), 0);
    assert.equal(acceptance.shown(2, "cd"), 2);
  });
});
