import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { grammarFolder } from "./folder";
import { SyntaxParser } from "./parser";
import type { SyntaxNode } from "../completion/syntaxTree";
import { endOf } from "../completion/ending/end";

const ROOT = path.resolve(import.meta.dirname, "../..");
const HELDOUT = path.join(ROOT, "training/heldout");
const LANGUAGES = new Map([
  [".ts", "typescript"],
  [".js", "javascript"],
  [".py", "python"],
]);
const STATEMENT = /_statement$|_declaration$|_definition$|^(?:assignment|variable_declaration)$/;
const MAX_LINES = 12;

interface Statement {
  readonly language: string;
  readonly start: number;
  readonly end: number;
}

/** Statements of a file that begin and end on lines of their own and are not much longer than a completion. */
function statementsOf(root: SyntaxNode, language: string, text: string): Statement[] {
  const found: Statement[] = [];
  const visit = (node: SyntaxNode): void => {
    const lineStart = text.lastIndexOf("\n", node.startIndex - 1) + 1;
    const alone =
      text.slice(lineStart, node.startIndex).trim() === "" && /^;?\n/.test(text.slice(node.endIndex));
    const end = node.endIndex + (text.charAt(node.endIndex) === ";" ? 1 : 0);
    const lines = text.slice(node.startIndex, end).split("\n").length;
    if (STATEMENT.test(node.type) && alone && lines <= MAX_LINES && !node.hasError) {
      found.push({ language, start: node.startIndex, end });
    }
    for (let i = 0; i < node.namedChildCount; i++) {
      visit(node.namedChild(i)!);
    }
  };
  visit(root);
  return found;
}

describe("endOf on right completions", () => {
  it("shows nearly every statement whole, and nothing of the next", async () => {
    const parser = new SyntaxParser(grammarFolder(ROOT));
    const wrong: string[] = [];
    let count = 0;
    for (const file of readdirSync(HELDOUT, { recursive: true, encoding: "utf8" }).sort()) {
      const language = LANGUAGES.get(path.extname(file.replace(/\.txt$/, "")));
      if (language === undefined || !file.endsWith(".txt")) {
        continue;
      }
      const text = readFileSync(path.join(HELDOUT, file), "utf8");
      await parser.load(language);
      for (const { start, end } of parser.parse(file, language, text, (root) =>
        statementsOf(root, language, text),
      )!) {
        // The cursor stands at the beginning; what follows is what the model would go on with.
        const generated = text.slice(start, end + 400);
        const shown = endOf(
          "statement",
          { prefix: text.slice(0, start), suffix: "", language },
          generated,
          end + 400 >= text.length,
        );
        count++;
        if (shown !== end - start) {
          wrong.push(
            `${file}: ${JSON.stringify(generated.slice(0, shown))} of ${JSON.stringify(text.slice(start, end))}`,
          );
        }
      }
    }
    parser.dispose();
    assert.ok(count > 1_000, String(count));
    assert.ok(
      wrong.length <= 0.001 * count,
      `${wrong.length} of ${count}:\n${wrong.slice(0, 40).join("\n")}`,
    );
  }).timeout(30_000);
});
