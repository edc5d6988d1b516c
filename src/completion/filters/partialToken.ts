import type { Filter } from "./filter";

/** Half of a character: the model stopped between the bytes, or the text was cut between the units. */
const HALF_CHARACTER = /(?:\ufffd|[\ud800-\udbff])+$/;
const WORD_AT_END = /[\p{L}\p{N}_$]+$/u;

/**
 * Takes a broken end away from a completion that was cut off: half a character always; of a completion that ended because it was long
 * enough, the unfinished last line, or where that is the only one, the word that may go on.
 */
export const partialToken: Filter = (text, { truncated }) => {
  const whole = text.replace(HALF_CHARACTER, "");
  if (truncated !== true || whole.endsWith("\n")) {
    return whole;
  }
  const lastLine = whole.lastIndexOf("\n") + 1;
  if (whole.slice(0, lastLine).trim() !== "") {
    return whole.slice(0, lastLine).trimEnd();
  }
  const word = WORD_AT_END.exec(whole);
  // A completion that is nothing but the rest of a word is better than none.
  return word === null || whole.slice(0, word.index).trim() === "" ? whole : whole.slice(0, word.index);
};
