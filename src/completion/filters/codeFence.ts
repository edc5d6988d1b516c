import { linePrefix } from "../cursor";
import { hasFences, isFence } from "../fence";
import type { Filter } from "./filter";

/** Ends a completion at a bare code fence, with which models that were taught to chat end code, where the text has none of its own. */
export const codeFence: Filter = (text, context) => {
  const lines = text.split("\n");
  const at = lines.findIndex((line, index) => isFence(line, index === 0 ? linePrefix(context) : ""));
  return at < 0 || hasFences(context) ? text : lines.slice(0, at).join("\n");
};
