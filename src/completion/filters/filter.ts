import type { CursorText } from "../cursor";

/**
 * Improves a completion or drops it: returns what is left of `text`, "" for nothing. Pure, and idempotent: applying it to its own result
 * changes nothing. Line breaks are LF.
 */
export type Filter = (text: string, cursor: CursorText) => string;
