import { linePrefix, lineSuffix, writtenAbove, writtenBelow } from "../cursor";
import { readingOf, type ReadableText } from "../lexical/reading";
import { textAround } from "../lexical/state";
import type { SyntaxNode } from "../syntaxTree";
import { endsWithLine } from "./lineLanguages";

/**
 * What a completion is asked for: the rest of the line; a statement, which may take several lines; or a block that is empty yet.
 */
export type EndingKind = "line" | "statement" | "block";

export interface EndingContext extends ReadableText {
  /** VS Code's language identifier. */
  readonly language: string;
}

/** The document's tree, and the offset of the cursor in it. */
export interface SyntaxPlace {
  readonly root: SyntaxNode;
  readonly offset: number;
}

/** What an editor closes by itself, and the punctuation that ends a statement. */
const ONLY_CLOSERS = /^[)\]}>"'`]*\s*[:{;,]?$/;
/** `if (…)`, `function f(…): T`, `class A extends B`: what has a block of its own, before the brace. */
const HEADER =
  /^(?:export\s+|default\s+|async\s+|public\s+|private\s+|protected\s+|static\s+|abstract\s+|pub\s+)*(?:(?:function\b|class\b|interface\b|enum\b|struct\b|impl\b|fn\b|func\b|if\s*\(|for\s*\(|while\s*\(|switch\s*\().*[)\w>\]]|else|try|do|finally)$/;
const PYTHON_HEADER =
  /^(?:async\s+)?(?:def|class|if|elif|else|for|while|with|try|except|finally|match|case)\b.*:$/;

/** Decides, before a completion is asked for, what it is asked for. */
export function endingKind(context: EndingContext, place?: SyntaxPlace): EndingKind {
  const left = linePrefix(context);
  const right = lineSuffix(context).trim();
  const head = left.trim();
  const opened = "([{".includes(head.slice(-1)) && head !== "";
  if (!ONLY_CLOSERS.test(right) || inText(context) || (right !== "" && !opened)) {
    return "line";
  }
  const opener = head === "" ? writtenAbove(context) : left;
  if (opener === undefined || !opensBlock(opener, context.language, head === "")) {
    return opener !== undefined && head === "" && place !== undefined && emptyByTree(context, place) === true
      ? "block" // only a comment or a docstring so far
      : "statement";
  }
  const empty =
    (place === undefined ? undefined : emptyByTree(context, place)) ?? emptyByIndentation(context, opener);
  return empty ? "block" : "statement";
}

function opensBlock(line: string, language: string, above: boolean): boolean {
  const head = line.trim();
  if (endsWithLine(language)) {
    return PYTHON_HEADER.test(head.replace(/\s+#.*$/, ""));
  }
  return head.endsWith("{") || (!above && HEADER.test(head));
}

/** Inside of a string or a comment there are no statements. */
const inText = (context: EndingContext): boolean => textAround(readingOf(context).state) !== undefined;

/** Whether `endingKind` can say more with a tree. */
export function asksTree(context: EndingContext): boolean {
  const left = linePrefix(context);
  return left.trim() === "" || opensBlock(left, context.language, false);
}

/** No line below is inside of the block that `opener` opens. */
function emptyByIndentation(context: EndingContext, opener: string): boolean {
  const next = writtenBelow(context);
  return next === undefined || indentOf(next) <= indentOf(opener);
}

/**
 * Whether the block that begins before the cursor holds nothing but comments and a docstring; undefined where the tree does not tell: the
 * brace that would close the block is missing, so that it has swallowed what follows.
 */
function emptyByTree(context: EndingContext, { root, offset }: SyntaxPlace): boolean | undefined {
  const last = offset - (context.prefix.length - context.prefix.trimEnd().length) - 1;
  const token = last < 0 ? null : root.descendantForIndex(last, last + 1);
  if (token === null) {
    return undefined;
  }
  const block = blockAfter(token);
  if (block === undefined) {
    return undefined;
  }
  for (let i = 0; i < block.childCount; i++) {
    if (block.child(i)?.isMissing === true) {
      return undefined;
    }
  }
  for (let i = 0; i < block.namedChildCount; i++) {
    const child = block.namedChild(i);
    if (child !== null && !child.type.includes("comment") && !isDocstring(child)) {
      return false;
    }
  }
  return true;
}

/** The block that `token`, the last thing before the cursor, opens, or that holds nothing before it. */
function blockAfter(token: SyntaxNode): SyntaxNode | undefined {
  if (token.type === "{") {
    return token.parent ?? undefined;
  }
  if (token.type === ":") {
    const { parent } = token;
    for (let i = 0; parent !== null && i < parent.namedChildCount; i++) {
      const child = parent.namedChild(i);
      if (child?.type === "block" && child.startIndex >= token.startIndex) {
        return child;
      }
    }
    return undefined;
  }
  let node: SyntaxNode | null = token;
  while (node !== null && !node.type.includes("comment") && !isDocstring(node)) {
    node = node.parent !== null && node.parent.startIndex <= node.startIndex ? node.parent : null;
    if (node?.type === "block" || node?.type === "module" || node?.type === "program") {
      return undefined;
    }
  }
  const parent = node?.parent ?? undefined;
  return parent === undefined || /^(module|program|source_file|translation_unit)$/.test(parent.type)
    ? undefined
    : parent;
}

/** A statement that is nothing but a string. */
const isDocstring = (node: SyntaxNode): boolean =>
  node.type === "expression_statement" && node.namedChildCount === 1 && node.namedChild(0)?.type === "string";

/** Width of the leading white space; a tab counts as four. */
export function indentOf(line: string): number {
  const indent = /^[ \t]*/.exec(line)![0];
  return indent.replaceAll("\t", "    ").length;
}
