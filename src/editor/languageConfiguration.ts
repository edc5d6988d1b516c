import { parse } from "jsonc-parser";
import type { LanguageConfiguration } from "../completion/lexical/configured";

type Pair = readonly [string, string];

/**
 * Of a language configuration file, which is JSON with comments, what completions need: undefined for what is no such file. What has another form than VS
 * Code's documentation gives it is left out.
 */
export function parseLanguageConfiguration(text: string): LanguageConfiguration | undefined {
  const root: unknown = parse(text, [], { allowTrailingComma: true });
  if (!isRecord(root)) {
    return undefined;
  }
  const comments = isRecord(root.comments) ? root.comments : {};
  const line = isRecord(comments.lineComment) ? comments.lineComment.comment : comments.lineComment;
  const block = pairOf(comments.blockComment);
  return {
    ...(typeof line === "string" && line !== "" ? { lineComment: line } : {}),
    ...(block === undefined ? {} : { blockComment: block }),
    brackets: pairsOf(root.brackets),
    closedPairs: pairsOf(root.autoClosingPairs),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const pairsOf = (value: unknown): Pair[] =>
  Array.isArray(value) ? value.map(pairOf).filter((pair) => pair !== undefined) : [];

/** `["(", ")"]` or `{ "open": "(", "close": ")" }`. */
function pairOf(value: unknown): Pair | undefined {
  const [open, close] = Array.isArray(value)
    ? (value as unknown[])
    : isRecord(value)
      ? [value.open, value.close]
      : [];
  return typeof open === "string" && typeof close === "string" && open !== "" && close !== ""
    ? [open, close]
    : undefined;
}
