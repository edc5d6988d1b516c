import { linePrefix, writtenBelow } from "../cursor";
import type { Filter } from "./filter";

/** Lines that close something other than brackets, which `unbalancedClosers` counts. */
const CLOSING = /^(?:"""|'''|\*\/|-->|```|~~~|end;?|fi|done|esac|<\/[\w:.-]+>|#endif|%>|\}\})$/;

/** Drops the closing line at the end of a completion (`"""`, `*\/`, `end`, `</div>`) when the next line below is the same. */
export const duplicatedClosing: Filter = (text, context) => {
  const lines = text.trimEnd().split("\n");
  const alone = lines.length === 1;
  const last = ((alone ? linePrefix(context) : "") + lines.at(-1)!).trim();
  const next = writtenBelow(context);
  if (!CLOSING.test(last) || next?.trim() !== last) {
    return text;
  }
  // The line below closes something further out when it is indented less.
  const indent = /^\s*/.exec((alone ? linePrefix(context) : "") + lines.at(-1)!)![0];
  return /^\s*/.exec(next)![0] === indent ? lines.slice(0, -1).join("\n").trimEnd() : text;
};
