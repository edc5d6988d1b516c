import { cases } from "../testing";
import { partialToken } from "./partialToken";

describe("partialToken", () => {
  describe("of a completion that was cut off", () => {
    cases((text, cursor) => partialToken(text, { ...cursor, truncated: true }), {
      "drops the unfinished line": ["│a();\n  b(x, con│", "│a();│"],
      "drops the rest of a word in an only line": ["x = │foo + conti│", "x = │foo + │"],
      "keeps a word that is all there is": ["x = │conti│", "x = │conti│"],
      "keeps a first line that has ended": ["│a();\n│", "│a();\n│"],
      "keeps an only line that begins after a line break": ["{│\n  foo(│", "{│\n  foo(│"],
    });
  });
  describe("of a finished completion", () => {
    cases(partialToken, {
      "keeps the last word": ["x = │foo + continued│", "x = │foo + continued│"],
      "drops half a character": ["x = '│a\ufffd│", "x = '│a│"],
      "drops half a surrogate pair": ["x = '│a\ud83d│", "x = '│a│"],
      "keeps a whole surrogate pair": ["x = '│😀│'", "x = '│😀│'"],
    });
  });
});
