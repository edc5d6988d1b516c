import { modeOf } from "../../completion/lexical/languages";
import { Scanner } from "../../completion/lexical/scanner";
import { START } from "../../completion/lexical/state";
import type { SyntaxNode } from "../../completion/syntaxTree";

/** Offsets of the brackets in a file that its lexical rules take for code. */
export function bracketsByRules(text: string, language: string): Set<number> {
  const found = new Set<number>();
  new Scanner(text, START, modeOf(language, text), 0, ({ text: sign, index, soft, frame }) => {
    if (!soft && (frame === undefined || frame.kind === "bracket") && /^[()[\]{}]$/.test(sign)) {
      found.add(index);
    }
  }).run();
  return found;
}

/** Offsets of the brackets that a grammar takes for code: tokens that are nothing but a bracket. */
export function bracketsByGrammar(root: SyntaxNode): Set<number> {
  const found = new Set<number>();
  const stack: SyntaxNode[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.childCount === 0 && /^[()[\]{}]$/.test(node.type) && !node.isMissing) {
      found.add(node.startIndex);
    }
    for (let i = 0; i < node.childCount; i++) {
      stack.push(node.child(i)!);
    }
  }
  return found;
}
