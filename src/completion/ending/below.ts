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
    return suffix.split(close).length % 2 === 0;
  }
  const [opens, closes] = [suffix.indexOf(open), suffix.indexOf(close)];
  return closes >= 0 && (opens < 0 || closes < opens);
}
