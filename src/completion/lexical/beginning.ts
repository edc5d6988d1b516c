import type { Mode } from "./mode";
import { Scanner } from "./scanner";
import { START, textAround, type State } from "./state";

/** What may begin a text of several lines whose end tells nothing of it: in most languages it means nothing. */
const OPENERS = ["/*", '"""', "'''", "`", '"', "'"] as const;
/** Characters that tell. */
const LOOKED_AT = 6_000;
/** Words and nothing else, or the star of a comment's line: no code begins like that. */
const PROSE =
  /^\s*(?:\*(?:\s|\/)|(?!.*[={}<>;])[A-Za-z][\w'’-]*[,.;:]?(?:\s+\(?[A-Za-z][\w'’-]*\)?[,.;:]?){3})/;

/**
 * The state at the beginning of the part of a document that an extension is shown: it may begin in the middle of a long string, after which all code would be taken
 * for text and all text for code. The state is taken in which the least of what is read as code looks like prose.
 */
export function beginningOf(part: string, mode: Mode): State {
  const head = part.slice(0, part.lastIndexOf("\n", LOOKED_AT) + 1);
  let best = START;
  let least = proseIn(head, START, mode);
  for (const opener of least === 0 ? [] : OPENERS) {
    const { state } = new Scanner(`${opener}\n`, START, mode, -opener.length - 1).run();
    if (textAround(state) !== undefined && ends(opener, head)) {
      const prose = proseIn(head, state, mode);
      if (prose < least) {
        [best, least] = [state, prose];
      }
    }
  }
  return best;
}

/** Whether a text that `opener` begins may end in `head`. */
function ends(opener: (typeof OPENERS)[number], head: string): boolean {
  if (opener !== "/*") {
    return head.includes(opener);
  }
  const [begin, end] = [head.indexOf(opener), head.indexOf("*/")];
  return end >= 0 && (begin < 0 || end < begin);
}

/** Lines that are read as code and look like prose. */
function proseIn(text: string, state: State, mode: Mode): number {
  const scanner = new Scanner(text, state, mode);
  let count = 0;
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start) + 1 || text.length;
    const isCode = textAround(scanner.run(start).state) === undefined;
    count += isCode && PROSE.test(text.slice(start, end)) ? 1 : 0;
    start = end;
  }
  return count;
}
