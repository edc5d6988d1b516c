const MAX_PERIOD = 32;
/** Characters at the end that are looked at. */
const REACH = 256;
/** White space of less is an indentation. */
const BLANK_CHARACTERS = 64;
/** Signs and words that stand between the parts of a list or an expression. */
const SEPARATOR = /(?:[\s,.:=+\-*/&|?]|(?<=\s)(?:and|or))+$/;

/**
 * The text before it begins to repeat a piece of its last line, over and over to its end, without what was to lead on to the next piece;
 * undefined when it does not.
 * @param times that the piece has to be there
 * @param characters that all of them have to take at least: short pieces need more evidence
 */
export function beforeLoop(text: string, times: number, characters: number): string | undefined {
  const line = text.slice(Math.max(text.lastIndexOf("\n") + 1, text.length - REACH));
  for (let period = 1; period <= MAX_PERIOD; period++) {
    let run = 0;
    while (run + period < line.length && line.at(-1 - run) === line.at(-1 - run - period)) {
      run++;
    }
    const unit = line.slice(-period);
    const isBlank = unit.trim() === "";
    const enough = Math.max(times * period, isBlank ? BLANK_CHARACTERS : characters);
    // Rules of dashes are no loops.
    if (run + period >= enough && (isBlank || /[\p{L}\p{N}]/u.test(unit))) {
      return text.slice(0, text.length - run).replace(SEPARATOR, "");
    }
  }
  return undefined;
}
