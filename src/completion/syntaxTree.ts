/**
 * A node of a syntax tree: what is used of tree-sitter's. Offsets are UTF-16 code units of the parsed text.
 */
export interface SyntaxNode {
  readonly type: string;
  readonly startIndex: number;
  readonly endIndex: number;
  /** In the node or below it something could not be parsed. */
  readonly hasError: boolean;
  readonly isError: boolean;
  /** Not in the text: put in by the parser to go on. */
  readonly isMissing: boolean;
  readonly parent: SyntaxNode | null;
  readonly childCount: number;
  child(index: number): SyntaxNode | null;
  readonly namedChildCount: number;
  namedChild(index: number): SyntaxNode | null;
  /** The smallest node that holds these offsets. */
  descendantForIndex(start: number, end?: number): SyntaxNode | null;
}

/** A parser for the languages that have a grammar. Nodes live only for as long as `look` runs. */
export interface Syntax {
  /** Whether there is a grammar for a language, loaded or not. */
  reads(language: string): boolean;

  /**
   * Parses `text` and shows it to `look`, with the effort that it took, in hundreds of the parser's steps; undefined when that is not possible now:
   * no grammar, or not loaded yet.
   * @param document whose text it is: its last tree makes the next faster
   */
  parse<T>(
    document: string,
    language: string,
    text: string,
    look: (root: SyntaxNode, effort: number) => T,
  ): T | undefined;
}

/** Nodes looked at before a count is given up as "many". */
const MANY = 2_000;

/** Offsets of a node. */
export type Span = Pick<SyntaxNode, "startIndex" | "endIndex">;

/** Where the parser had to guess: nodes that are errors or missing. */
export function findErrors(root: SyntaxNode): Span[] {
  const errors: Span[] = [];
  let seen = 0;
  const stack = [root];
  for (let node = stack.pop(); node !== undefined && seen < MANY; node = stack.pop()) {
    seen++;
    if (node.isError || node.isMissing) {
      errors.push({ startIndex: node.startIndex, endIndex: node.endIndex });
    }
    for (let i = 0; node.hasError && i < node.childCount; i++) {
      const child = node.child(i);
      if (child !== null && (child.hasError || child.isMissing)) {
        stack.push(child);
      }
    }
  }
  return errors;
}

/** How often the parser had to guess. */
export const countErrors = (root: SyntaxNode): number => findErrors(root).length;
