import assert from "node:assert/strict";
import { TokenTexts } from "./tokenTexts";

describe("TokenTexts", () => {
  const words = ["r", "re", "ret", "return", " ret", "returned", "x", " ", "ü", "r"];
  const texts = new TokenTexts(words.map((text, token) => [token, text] as const));
  const continuing = (piece: string): string[] =>
    texts
      .continuing(piece)
      .map((token) => `${token}:${texts.text(token)}`)
      .sort();

  it("finds tokens that go beyond the piece and tokens that are a part of it", () => {
    assert.deepEqual(continuing("ret"), ["0:r", "1:re", "2:ret", "3:return", "5:returned", "9:r"]);
    assert.deepEqual(continuing(" r"), ["4: ret", "7: "]);
    assert.deepEqual(continuing("ü"), ["8:ü"]);
    assert.deepEqual(continuing("returnedx"), ["0:r", "1:re", "2:ret", "3:return", "5:returned", "9:r"]);
  });

  it("finds more than a call takes as arguments", () => {
    const spaced = Array.from({ length: 200_000 }, (_, token) => [token, ` ${token}`] as const);
    assert.equal(new TokenTexts(spaced).continuing(" ").length, spaced.length);
  });

  it("finds nothing for what no token can write", () => {
    assert.deepEqual(continuing("é"), []);
    assert.equal(texts.text(99), undefined);
  });
});
