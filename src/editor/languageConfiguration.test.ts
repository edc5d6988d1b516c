import assert from "node:assert/strict";
import { parseLanguageConfiguration } from "./languageConfiguration";

describe("parseLanguageConfiguration", () => {
  it("reads comments, brackets and pairs in each of their forms, with comments and trailing commas", () => {
    const text = `{
      // what begins a comment
      "comments": { "lineComment": { "comment": "%", "noIndent": true }, "blockComment": ["%{", "%}"] },
      "brackets": [["(", ")"], ["begin", "end"]],
      "autoClosingPairs": [["(", ")"], { "open": "'", "close": "'", "notIn": ["string"] }, ["<%", "%>"],],
    }`;
    assert.deepEqual(parseLanguageConfiguration(text), {
      lineComment: "%",
      blockComment: ["%{", "%}"],
      brackets: [
        ["(", ")"],
        ["begin", "end"],
      ],
      closedPairs: [
        ["(", ")"],
        ["'", "'"],
        ["<%", "%>"],
      ],
    });
  });

  it("leaves out what has another form, and what is no configuration", () => {
    const text = `{ "comments": 1, "brackets": [["("], 3, null], "autoClosingPairs": { "open": "(" } }`;
    assert.deepEqual(parseLanguageConfiguration(text), { brackets: [], closedPairs: [] });
    assert.equal(parseLanguageConfiguration("no JSON"), undefined);
    assert.equal(parseLanguageConfiguration("[]"), undefined);
  });
});
