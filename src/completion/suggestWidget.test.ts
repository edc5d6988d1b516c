import assert from "node:assert/strict";
import { agreeWith } from "./suggestWidget";

describe("agreeWith", () => {
  it("completes the choice of the suggest widget", () => {
    assert.equal(agreeWith({ typed: "pus", text: "push" }, "h(value);"), "push(value);");
    assert.equal(agreeWith({ typed: "", text: "push" }, "push(value);"), "push(value);");
  });
  it("gives way when the widget shows something else", () => {
    assert.equal(agreeWith({ typed: "p", text: "push" }, "op();"), undefined);
    assert.equal(agreeWith({ typed: "pu", text: "push" }, "s"), undefined);
  });
});
