import assert from "node:assert/strict";
import path from "node:path";
import { goldenHoles, type GoldenHole } from "../../test/goldenHoles";
import { linePrefix } from "../completion/cursor";
import { mended } from "../completion/ending/mend";
import { grammarFolder } from "./folder";
import { SyntaxParser } from "./parser";

/** A call that is not closed, some lines from the cursor. */
const withErrorBelow = (hole: GoldenHole): GoldenHole => ({
  ...hole,
  document: `${hole.document}, broken below`,
  suffix: hole.suffix.replace(/^(?:.*\n){12}/, "$&foo(;\n"),
});
const withErrorAbove = (hole: GoldenHole): GoldenHole => ({
  ...hole,
  document: `${hole.document}, broken above`,
  prefix: hole.prefix.replace(/^(?:.*\n){3}/, "$&foo(;\n"),
});
const atTheEnd = (hole: GoldenHole): GoldenHole => ({
  ...hole,
  document: `${hole.document}, cut off`,
  suffix: "",
});

/** The line at the cursor, where the hole is in the middle of the header of a block and ends in the middle of the block. */
const isHeader = ({ prefix, middle }: GoldenHole, text: string): boolean =>
  linePrefix({ prefix, suffix: "" }).trim() !== "" &&
  text === middle.split("\n", 1)[0] &&
  /[{([:]$/.test(text);

describe("mended, on right completions", () => {
  const holes = goldenHoles();
  let syntax: SyntaxParser;
  before(async () => {
    syntax = new SyntaxParser(grammarFolder(path.resolve(import.meta.dirname, "../..")));
    await Promise.all(["typescript", "javascript", "python"].map((language) => syntax.load(language)));
  });
  after(() => syntax.dispose());

  const few = holes.filter((_, index) => index % 4 === 0);
  const changed = (change: (hole: GoldenHole) => GoldenHole, parser?: SyntaxParser, all = few): string[] =>
    all
      .map(change)
      .map((hole) => [hole, mended(hole.middle, hole, parser)] as const)
      .filter(([hole, text]) => text !== hole.middle && !isHeader(hole, text))
      .map(
        ([{ document, prefix, middle, suffix }, text]) =>
          `${document}: ${JSON.stringify(prefix.slice(-80))} │ ${JSON.stringify(middle)} became ` +
          `${JSON.stringify(text)} before ${JSON.stringify(suffix.slice(0, 80))}`,
      );
  const same = (hole: GoldenHole): GoldenHole => hole;
  /** At most this share of them may change. */
  const assertFew = (told: readonly string[], share: number): void =>
    assert.ok(
      told.length <= share * few.length,
      `${told.length} of ${few.length}:\n${told.slice(0, 20).join("\n")}`,
    );

  it("leaves all of them alone", () => assert.deepEqual(changed(same, syntax, holes), [])).timeout(30_000);
  it("leaves all of them alone without a parser", () => assertFew(changed(same, undefined), 0)).timeout(
    30_000,
  );
  it("leaves nearly all of them alone in a file that is broken above", () =>
    assertFew(changed(withErrorAbove, syntax), 0.005)).timeout(20_000);
  it("leaves nearly all of them alone in a file that is broken below", () =>
    assertFew(changed(withErrorBelow, syntax), 0.005)).timeout(20_000);
  it("leaves most of them alone where nothing follows, even those that end in the middle of a statement", () =>
    assertFew(changed(atTheEnd, syntax), 0.03)).timeout(20_000);
});
