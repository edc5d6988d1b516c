import assert from "node:assert/strict";
import { INSERTION_CASES } from "../../../test/insertionCases";
import { placeAt } from "../testing";
import { Readings, readingOf } from "./reading";
import { framesOf, textAround } from "./state";

const PYTHON = 'def f():\n    """Adds.\n\n    (two\n    """\n    return g(1, "a")\n'.repeat(200);

describe("Readings", () => {
  it("read a document as it changes as they would read it from its beginning", () => {
    const readings = new Readings();
    let text = PYTHON;
    let seed = 1;
    for (let n = 0; n < 200; n++) {
      seed = (seed * 48_271) % 2_147_483_647;
      const at = seed % text.length;
      const typed = ["(", '"', '"""', "\n", "# it's", "}", "x"][n % 7]!;
      text = text.slice(0, at) + typed + text.slice(at + (n % 3));
      const cursor = (seed >> 3) % text.length;
      const place = placeAt(`${text.slice(0, cursor)}│${text.slice(cursor)}`, "python");
      const [known, fresh] = [readings.at(place), readingOf(place)];
      const told = ({ state, above }: typeof known): unknown => ({
        open: framesOf(state).map(({ kind, open, at: offset }) => `${kind} ${open} ${offset}`),
        wrong: above.wrong,
      });
      assert.deepEqual(told(known), told(fresh), String(n));
    }
  });

  it("know that a text is over as far as it is indented, or at a line of its own", () => {
    for (const [language, text] of [
      ["yaml", "a: |\n  it's (b\nc: d\n"],
      ["shellscript", "cat <<EOF\nit's (b\nEOF\necho c\n"],
    ] as const) {
      const readings = new Readings();
      for (let cursor = text.length; cursor > 0; cursor--) {
        const place = placeAt(`${text.slice(0, cursor)}│${text.slice(cursor)}`, language);
        const told = framesOf(readings.at(place).state).map(({ open }) => open);
        assert.deepEqual(
          told,
          framesOf(readingOf(place).state).map(({ open }) => open),
          String(cursor),
        );
      }
    }
  });

  it("tell text from code", () => {
    const inside = (text: string, language: string): string | undefined =>
      textAround(readingOf(placeAt(text, language)).state)?.kind;
    assert.equal(inside("x = 'a│'", "python"), "quote");
    assert.equal(inside("fn f<'a>(│", "rust"), undefined);
    assert.equal(inside("x = 1'000 + │", "cpp"), undefined);
    assert.equal(inside("x = y' │", "julia"), undefined);
    assert.equal(inside("echo ${#x} │", "shellscript"), undefined);
    assert.equal(inside("echo a # b│", "shellscript"), "comment");
    assert.equal(inside("cat <<EOF\na│\nEOF\n", "shellscript"), "lines");
    assert.equal(inside("cat <<EOF\na\nEOF\n│", "shellscript"), undefined);
    assert.equal(inside("x = a / b; c = '│", "javascript"), "quote");
    assert.equal(inside("x = /[/'│", "javascript"), "quote");
    assert.equal(inside("<p>it's │</p>", "html"), undefined);
    assert.equal(inside("<script>f('│')</script>", "html"), "quote");
  });

  it("leave nothing open after what is whole, in every language", () => {
    const open: string[] = [];
    for (const [language, texts] of Object.entries(INSERTION_CASES)) {
      for (const text of texts.filter((one) => language !== "cobol" && !one.includes("⟦"))) {
        const whole = text.replaceAll("│", "");
        const { state, above } = readingOf(placeAt(`${whole}\n│`, language));
        const left = framesOf(state).filter(
          ({ kind, soft, raw }) => !soft && !raw && kind !== "element" && kind !== "indented",
        );
        const balanced = ["(", "[", "{"].every(
          (sign, i) => whole.split(sign).length === whole.split(")]}".charAt(i)).length,
        );
        if (balanced && (left.length > 0 || above.wrong > 0)) {
          open.push(`${language}: ${whole}: ${left.map(({ open: sign }) => sign).join(" ")}`);
        }
      }
    }
    assert.deepEqual(open, []);
  });
});
