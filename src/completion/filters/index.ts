import type { CursorText } from "../cursor";
import type { Filter } from "./filter";
import { repeatedLine } from "./repeatedLine";
import { repetition } from "./repetition";
import { suffixOverlap } from "./suffixOverlap";
import { unbalancedClosers } from "./unbalancedClosers";
import { whitespaceOnly } from "./whitespaceOnly";

/** In this order: cutting may leave white space behind. */
const FILTERS: readonly Filter[] = [
  repetition,
  suffixOverlap,
  unbalancedClosers,
  repeatedLine,
  whitespaceOnly,
];

/** What of a raw completion is fit to be shown; "" for nothing. */
export const applyFilters = (text: string, cursor: CursorText): string =>
  FILTERS.reduce((rest, filter) => (rest === "" ? "" : filter(rest, cursor)), text);
