import assert from "node:assert/strict";
import { at } from "../testing";
import { whitespaceOnly } from "./whitespaceOnly";

describe("whitespaceOnly", () => {
  it("drops white space alone and at the end", () => {
    assert.equal(whitespaceOnly(" \n\t", at("│")), "");
    assert.equal(whitespaceOnly("a;\n  ", at("│")), "a;");
  });
  it("keeps indentation", () => assert.equal(whitespaceOnly("\n  a", at("│")), "\n  a"));
});
