/** Which tokens of a file are attributed, and which are kept apart to measure the mask on. */

export interface WindowPlan {
  /** `[from, to)` in the file's tokens: the attributed window. */
  readonly window: readonly [from: number, to: number];
  /**
   * Measured on: `[from, to)`, of which the tokens from `measure` on are predicted by the masked model and those before
   * are its dense context. Disjoint from the window where the measured tokens are. Absent: the file is too short.
   */
  readonly heldOut?: { readonly from: number; readonly measure: number; readonly to: number };
}

/** Tokens on which masks are measured, and dense context in front of them. */
const MEASURED = 96;
const CONTEXT = 64;
/** Fewer say nothing. */
const MIN_MEASURED = 16;

/** The share of the window that lies before the cursor, where both sides have enough text. */
const BEFORE_CURSOR = 0.75;

/**
 * `[from, to)`: at most `size` tokens round the cursor; what one side lacks the other may use.
 *
 * @param count tokens of the file
 * @param cursor tokens before the cursor
 */
export function chooseWindow(count: number, cursor: number, size: number): [from: number, to: number] {
  const after = Math.min(count - cursor, Math.max(size - cursor, Math.round(size * (1 - BEFORE_CURSOR))));
  return [Math.max(0, cursor - (size - after)), cursor + after];
}

/**
 * {@link chooseWindow}, and what is held out: the tokens after the window, else those before it, else the window's own
 * last quarter, which then is not attributed.
 */
export function planWindow(count: number, cursor: number, size: number): WindowPlan {
  const window = chooseWindow(count, cursor, size);
  const [from, to] = window;
  if (count - to >= MIN_MEASURED) {
    return {
      window,
      heldOut: { from: Math.max(from, to - CONTEXT), measure: to, to: Math.min(count, to + MEASURED) },
    };
  }
  if (from >= 2 * MIN_MEASURED) {
    const measure = Math.max(MIN_MEASURED, from - MEASURED);
    return { window, heldOut: { from: Math.max(0, measure - CONTEXT), measure, to: from } };
  }
  const cut = to - Math.min(MEASURED, Math.floor((to - from) / 4));
  if (to - cut >= MIN_MEASURED) {
    return { window: [from, cut], heldOut: { from: Math.max(from, cut - CONTEXT), measure: cut, to } };
  }
  return { window };
}
