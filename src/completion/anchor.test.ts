import assert from "node:assert/strict";
import { ANCHOR_LIMITS, anchorFor as withLimits, type Anchor, type Anchored, type Place } from "./anchor";
import { at } from "./testing";

const LINE_ONLY = { ...ANCHOR_LIMITS, leadLines: 0 };
const anchorFor = (old: Anchor | undefined, place: Place): Anchored => withLimits(old, place, LINE_ONLY);
const first = (text: string): Anchor => anchorFor(undefined, at(text)).anchor;

describe("anchorFor", () => {
  it("anchors behind the indentation of the cursor's line at first", () => {
    const { anchor, typed, reason } = anchorFor(undefined, at("a\n  b.c│\nd\n"));
    assert.deepEqual([anchor.prefix, anchor.suffix, typed, reason], ["a\n  ", "\nd\n", "b.c", "first"]);
  });

  for (const [name, before, now, typed] of [
    ["typing", "a\nb│\nc\n", "a\nb.foo│\nc\n", "b.foo"],
    ["a deleted character behind the anchor", "a\nbcd│\nc\n", "a\nbc│\nc\n", "bc"],
    [
      "new lines and an accepted block",
      "a\nif│\nc\n",
      "a\nif (x) {\n  y();\n  │\nc\n",
      "if (x) {\n  y();\n  ",
    ],
    ["a closer that the editor inserts", "a\nf│\nc\n", "a\nf(│)\nc\n", "f("],
    ["closers that the editor nests", "a\nf│\nc\n", "a\nf([{│}])\nc\n", "f([{"],
    ["a closer that is typed over", "a\nf(│)\nc\n", "a\nf()│\nc\n", "f()"],
    ["going back in the line", "a\nb.foo│\nc\n", "a\nb.foo│\nc\n", "b.foo"],
  ] as const) {
    it(`keeps its place over ${name}`, () => {
      const old = first(before);
      assert.deepEqual(anchorFor(old, at(now)), { anchor: old, typed });
    });
  }

  for (const [name, before, now, reason] of [
    ["the cursor jumps up", "a\nb│\nc\n", "a│\nb\nc\n", "jump"],
    ["the cursor jumps down", "a\nb│\nc\nd\n", "a\nb\nc\nd│\n", "suffix"],
    ["the text before changes", "a\nb│\nc\n", "aa\nb│\nc\n", "jump"],
    ["the indentation changes", "a\n  b│\nc\n", "a\nb│\nc\n", "jump"],
    ["text after the cursor changes", "a\nb│\nc\n", "a\nb│\ncc\n", "suffix"],
    ["the cursor goes back in the line", "a\nbcd│\nc\n", "a\nb│cd\nc\n", "suffix"],
  ] as const) {
    it(`moves when ${name}`, () => {
      const { reason: why, anchor, typed } = anchorFor(first(before), at(now));
      assert.equal(why, reason);
      assert.equal(anchor.prefix + typed, at(now).prefix);
      assert.equal(anchor.suffix, at(now).suffix);
    });
  }

  it("moves when much has been typed, or many lines", () => {
    const old = first("a\n│\nc\n");
    const long = { prefix: `a\n${"x".repeat(ANCHOR_LIMITS.maxTyped + 1)}`, suffix: "\nc\n" };
    assert.equal(anchorFor(old, long).reason, "typed");
    const lines = { prefix: `a\n${"x\n".repeat(ANCHOR_LIMITS.maxLines + 1)}`, suffix: "\nc\n" };
    assert.equal(anchorFor(old, lines).reason, "typed");
    assert.equal(anchorFor(old, { ...lines, prefix: lines.prefix.slice(0, -2) }).reason, undefined);
  });

  it("follows the window that an editor cuts from a long file", () => {
    const text = Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join("");
    const old = first(`${text}x│\nend\n`);
    const moved = `${text.slice(text.indexOf("line 64"))}xyz`;
    assert.deepEqual(anchorFor(old, { prefix: moved, suffix: "\nend\n" }), { anchor: old, typed: "xyz" });
    const back = anchorFor(first(`${text.slice(text.indexOf("line 64"))}x│\nend\n`), at(`${text}xy│\nend\n`));
    assert.equal(back.typed, "xy");
    assert.equal(back.reason, undefined);
  });

  it("compares suffixes whose windows end at different lines", () => {
    const below = Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join("");
    const old = anchorFor(undefined, { prefix: "a\n", suffix: below.slice(0, 2_000) }).anchor;
    assert.equal(anchorFor(old, { prefix: "a\nb", suffix: below }).reason, undefined);
    assert.equal(anchorFor(old, { prefix: "a\nb", suffix: below.slice(9) }).reason, "suffix");
  });

  describe("with lines before the cursor's", () => {
    const lead = (text: string, leadLines: number): string =>
      withLimits(undefined, at(text), { ...ANCHOR_LIMITS, leadLines }).typed;

    it("begins behind the indentation of the first of them", () => {
      assert.equal(lead("a\n  b\n\n  c│\nd", 2), "b\n\n  c");
    });

    it("begins with the text when there are fewer", () => {
      assert.equal(lead("a\nb│", 2), "a\nb");
      assert.equal(lead("\nb│", 2), "\nb");
      assert.equal(lead("│", 2), "");
    });

    it("leaves out lines that are too long", () => {
      assert.equal(lead(`${"x".repeat(500)}\nb\nc│`, 2), "b\nc");
    });

    it("counts only what has been typed since", () => {
      const limits = { maxTyped: 3, maxLines: 1, leadLines: 2 };
      const { anchor } = withLimits(undefined, at("aaaa\nbbbb\n│"), limits);
      assert.equal(withLimits(anchor, at("aaaa\nbbbb\nccc│"), limits).reason, undefined);
      assert.equal(withLimits(anchor, at("aaaa\nbbbb\ncccc│"), limits).reason, "typed");
    });
  });
});
