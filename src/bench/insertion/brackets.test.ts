import assert from "node:assert/strict";
import path from "node:path";
import { countErrors } from "../../completion/syntaxTree";
import { grammarFolder } from "../../syntax/folder";
import { SyntaxParser } from "../../syntax/parser";
import { heldOutFiles } from "../common/sourceFiles";
import { languageOf } from "../text/cases";
import { bracketsByGrammar, bracketsByRules } from "./brackets";

const ROOT = path.resolve(import.meta.dirname, "../../..");

describe("the lexical rules", () => {
  it("take the same brackets for code as the grammars, in real files", async () => {
    const syntax = new SyntaxParser(grammarFolder(ROOT));
    let brackets = 0;
    for (const file of heldOutFiles(ROOT)) {
      const language = languageOf(file);
      await syntax.load(language);
      const expected = syntax.parse(file.path, language, file.text, (root) =>
        countErrors(root) > 0 ? undefined : bracketsByGrammar(root, language),
      );
      if (expected !== undefined) {
        brackets += expected.code.size;
        const sorted = (some: Set<number>): number[] => [...some].sort((a, b) => a - b);
        const rules = sorted(bracketsByRules(file.text, language)).filter((at) => !expected.isUndivided(at));
        assert.deepEqual(rules, sorted(expected.code), file.path);
      }
    }
    syntax.dispose();
    assert.ok(brackets > 5_000, String(brackets));
  }).timeout(30_000);

  it("are compared with all of a grammar's brackets, and only where it has any", async () => {
    const syntax = new SyntaxParser(grammarFolder(ROOT));
    const agreed = async (language: string, text: string): Promise<[code: number, rules: number]> => {
      await syntax.load(language);
      const { code, isUndivided } = syntax.parse("", language, text, (root) =>
        bracketsByGrammar(root, language),
      )!;
      const rules = [...bracketsByRules(text, language)].filter((at) => !isUndivided(at));
      assert.deepEqual(
        rules,
        [...code].sort((a, b) => a - b),
        text,
      );
      return [code.size, bracketsByRules(text, language).size];
    };
    assert.deepEqual(await agreed("shellscript", "[[ a == b ]] && (( 1 ))\n"), [8, 8]);
    assert.deepEqual(await agreed("shellscript", 'case "$1" in\n-a) ls ;;\nesac\n'), [0, 0]);
    assert.deepEqual(await agreed("shellscript", 'echo "${a[1]} ${b[$d]} ${e#[}" $((2 * (3)))\n'), [13, 13]);
    assert.deepEqual(await agreed("shellscript", "[[ $a =~ ^(b|c)$ ]]\n"), [4, 6]);
    assert.deepEqual(await agreed("cpp", "#define F(x) (x)\nT operator()(int a);\n"), [4, 8]);
    syntax.dispose();
  });
});
