/** What the editor's suggest widget would insert: `text` in place of what has been typed of it. */
export interface Selected {
  readonly typed: string;
  readonly text: string;
}

/**
 * A completion while the suggest widget shows a choice: only one that begins with the choice may appear, and it replaces what the choice
 * would. Undefined when they do not agree.
 */
export function agreeWith(selected: Selected, completion: string): string | undefined {
  const whole = selected.typed + completion;
  return whole.startsWith(selected.text) ? whole : undefined;
}
