import { textAround, type Frame, type State } from "../lexical/state";

/** The state at the cursor, but outside of a text over several lines that nothing below ends. */
export function stateBefore(suffix: string, state: State): State {
  const text = textAround(state);
  return text === undefined || text.endsWithLine || isClosedBelow(text, suffix)
    ? state
    : { ...state, top: text.parent };
}

/** Whether `suffix` begins inside of a text over several lines. */
export function isClosedBelow({ open, close, kind }: Frame, suffix: string): boolean {
  if (kind === "indented" || close === "") {
    return true;
  }
  if (kind === "quote" && close === open.slice(-close.length)) {
    return (
      (close.length === 1 ? looksClosing(suffix, close) : undefined) ?? suffix.split(close).length % 2 === 0
    );
  }
  const [opens, closes] = [suffix.indexOf(open), suffix.indexOf(close)];
  return closes >= 0 && (opens < 0 || closes < opens);
}

/** Whether the first `quote` in a text ends something, by what is round it; undefined where that tells nothing. */
function looksClosing(text: string, quote: string): boolean | undefined {
  const at = text.indexOf(quote);
  if (at < 0) {
    return false;
  }
  const [before, after] = [text.charAt(at - 1), text.charAt(at + 1)];
  const opens = /^[\s=([{,:+]?$/.test(before) && /^[^\s;)\]},.|&]$/.test(after);
  const closes = /^[^ \t=([{,:+]?$/.test(before) && /^[\s;)\]},.|&]?$/.test(after);
  return opens === closes ? undefined : closes;
}
