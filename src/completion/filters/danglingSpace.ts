import { linePrefix, lineSuffix } from "../cursor";
import type { Filter } from "./filter";

/** Drops a completion that would rather end a line on which a space has been typed: that line goes on. */
export const danglingSpace: Filter = (text, context) =>
  /\S[ \t]+$/.test(linePrefix(context)) && lineSuffix(context).trim() === "" && /^[ \t]*\n/.test(text)
    ? ""
    : text;
