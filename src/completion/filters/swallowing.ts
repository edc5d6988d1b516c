import { readingOf } from "../lexical/reading";
import { textAround } from "../lexical/state";
import { replacedLength } from "../replaceRange";
import type { Filter } from "./filter";

/** Cuts a comment off the end of a completion that would make a comment of what stands right of the cursor, too: brackets, or another comment. */
export const swallowing: Filter = (text, context) => {
  const reading = readingOf(context);
  if (reading.right.trim() === "") {
    return text;
  }
  const comment = textAround(reading.scan(text).state);
  const own = comment?.kind === "comment" && comment.endsWithLine && comment.at >= reading.cursor;
  const rest = own ? reading.right.slice(replacedLength(text, reading)).trim() : "";
  if (
    !own ||
    !(
      /^[)\]}"'`]/.test(rest) ||
      (rest !== "" && textAround(reading.scan(reading.right).state)?.kind === "comment")
    )
  ) {
    return text;
  }
  return text.slice(0, comment.at - reading.cursor).trimEnd();
};
