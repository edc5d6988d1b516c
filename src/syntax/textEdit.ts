import type { Edit, Point } from "@vscode/tree-sitter-wasm";

/** The one edit that makes `after` of `before`, as tree-sitter wants it; undefined when they are the same. */
export function editBetween(before: string, after: string): Edit | undefined {
  if (before === after) {
    return undefined;
  }
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) {
    start++;
  }
  let same = 0;
  while (
    same < shorter - start &&
    before.charCodeAt(before.length - 1 - same) === after.charCodeAt(after.length - 1 - same)
  ) {
    same++;
  }
  return {
    startIndex: start,
    oldEndIndex: before.length - same,
    newEndIndex: after.length - same,
    startPosition: pointAt(before, start),
    oldEndPosition: pointAt(before, before.length - same),
    newEndPosition: pointAt(after, after.length - same),
  };
}

function pointAt(text: string, index: number): Point {
  let row = 0;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) {
    row++;
    lineStart = at + 1;
  }
  return { row, column: index - lineStart };
}
