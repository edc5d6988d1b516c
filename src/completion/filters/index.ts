import { alreadyThere } from "./alreadyThere";
import { codeFence } from "./codeFence";
import { commentEcho } from "./commentEcho";
import { danglingSpace } from "./danglingSpace";
import { doubledLine } from "./doubledLine";
import { duplicatedClosing } from "./duplicatedClosing";
import type { Filter, FilterContext } from "./filter";
import { indentationRepair } from "./indentationRepair";
import { partialToken } from "./partialToken";
import { repeatedLine } from "./repeatedLine";
import { repetition } from "./repetition";
import { suffixOverlap } from "./suffixOverlap";
import { swallowing } from "./swallowing";
import { unbalancedClosers } from "./unbalancedClosers";
import { whitespaceOnly } from "./whitespaceOnly";

export type { FilterContext } from "./filter";

/** By name, in this order: indentation is put right before lines are compared, and cutting may leave white space behind. */
export const FILTERS: Readonly<Record<string, Filter>> = {
  danglingSpace,
  partialToken,
  codeFence,
  repetition,
  doubledLine,
  indentationRepair,
  suffixOverlap,
  duplicatedClosing,
  unbalancedClosers,
  swallowing,
  commentEcho,
  repeatedLine,
  alreadyThere,
  whitespaceOnly,
};

/** What of a raw completion is fit to be shown; "" for nothing. */
export const applyFilters = (text: string, context: FilterContext): string =>
  Object.values(FILTERS).reduce((rest, filter) => (rest === "" ? "" : filter(rest, context)), text);
