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
        countErrors(root) > 0 ? undefined : bracketsByGrammar(root),
      );
      if (expected !== undefined) {
        brackets += expected.size;
        const sorted = (some: Set<number>): number[] => [...some].sort((a, b) => a - b);
        assert.deepEqual(sorted(bracketsByRules(file.text, language)), sorted(expected), file.path);
      }
    }
    syntax.dispose();
    assert.ok(brackets > 5_000, String(brackets));
  }).timeout(30_000);
});
