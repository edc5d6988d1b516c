import { linePrefix, linesAbove } from "../cursor";
import type { Filter } from "./filter";

const COMMENT = /^\s*(?:\/\/|#(?!include|define|if|endif|pragma|region)|\/\*|\*(?![/\w])|--|<!--)/;
/** Words, not code that someone has switched off. */
const PROSE = /\p{L}{2,}\s+\p{L}.*[\p{L}\p{N}.:!?)/]\s*$/u;
/** Lines of code between a comment and its echo, at most: further away comments repeat with reason now and then. */
const CODE_BETWEEN = 2;

/**
 * Drops a completion that begins with the comment that stands just above: a small model at a loss copies the last comment it has seen.
 */
export const commentEcho: Filter = (text, context) => {
  // A completion that begins with a line break leaves the current line as it is.
  const newLine = text.startsWith("\n");
  const first = ((newLine ? "" : linePrefix(context)) + text).split("\n").find((line) => line.trim() !== "");
  if (first === undefined || !COMMENT.test(first) || !PROSE.test(first)) {
    return text;
  }
  const above = newLine ? [...linesAbove(context), linePrefix(context)] : linesAbove(context);
  let code = 0;
  for (const line of above.toReversed()) {
    if (line.trim() === first.trim()) {
      return "";
    }
    code += line.trim() === "" || COMMENT.test(line) ? 0 : 1;
    if (code > CODE_BETWEEN) {
      break;
    }
  }
  return text;
};
