import type { Filter } from "./filter";

/** Drops completions of nothing but white space, and white space at the end of others. */
export const whitespaceOnly: Filter = (text) => text.trimEnd();
