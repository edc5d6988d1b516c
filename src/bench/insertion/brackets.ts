import { modeOf } from "../../completion/lexical/languages";
import { Scanner } from "../../completion/lexical/scanner";
import { START } from "../../completion/lexical/state";
import type { Span, SyntaxNode } from "../../completion/syntaxTree";

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

/** What a grammar says of the brackets in a file. */
export interface GrammarsBrackets {
  /** Offsets of those that it takes for code. */
  readonly code: Set<number>;
  /** Whether it says nothing of one: that is in what it does not divide, such as a macro's text. */
  readonly isUndivided: (offset: number) => boolean;
}

/** Code that grammars have as one token, whatever brackets are in it; a shell's `=~` reads its expression in brackets. */
const UNDIVIDED = /^(?:preproc_arg|operator_name|\(\)|\[\])$/;
const UNDIVIDED_IN: Readonly<Record<string, RegExp>> = { shellscript: /^regex$/ };

/** The brackets that a grammar takes for code: tokens that are nothing but brackets. `$(` and the end of a case's pattern are none to the rules. */
export function bracketsByGrammar(root: SyntaxNode, language: string): GrammarsBrackets {
  const code = new Set<number>();
  const undivided: Span[] = [];
  const stack: SyntaxNode[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const { type, startIndex, endIndex } = node;
    if (UNDIVIDED.test(type) || UNDIVIDED_IN[language]?.test(type) === true) {
      undivided.push({ startIndex, endIndex });
    } else if (node.childCount === 0 && !node.isMissing && /^\$?[()[\]{}]+$/.test(type)) {
      const isPatternsEnd = type === ")" && node.parent?.type === "case_item";
      const isSubstitution = /^\$.$/.test(type);
      for (const { index } of isPatternsEnd || isSubstitution ? [] : type.matchAll(/[^$]/g)) {
        code.add(startIndex + index);
      }
    }
    for (let i = 0; i < node.childCount; i++) {
      stack.push(node.child(i)!);
    }
  }
  const isUndivided = (offset: number): boolean =>
    undivided.some((one) => one.startIndex <= offset && offset < one.endIndex);
  return { code, isUndivided };
}
