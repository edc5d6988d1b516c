/** A suggestion on the screen: what it would insert, where. Offsets are code units of the document. */
export interface Shown {
  readonly document: string;
  readonly offset: number;
  readonly text: string;
}

/** One change of a document's text. */
export interface Change {
  readonly document: string;
  readonly offset: number;
  readonly removed: number;
  readonly text: string;
}

export type Acceptance =
  | { readonly kind: "none" }
  /** The user types what the suggestion says, or accepts a part of it; `rest` is still shown. */
  | {
      readonly kind: "advanced";
      readonly rest: Shown;
      readonly characters: number;
      readonly accepted: boolean;
    }
  | { readonly kind: "completed"; readonly characters: number; readonly accepted: boolean }
  | { readonly kind: "gone" };

/**
 * What a change means for the suggestion that is shown. The stable API tells of full acceptance only, so partial acceptance is
 * inferred: one change that inserts more than one character of the suggestion is an acceptance, a single character is typing. (An auto-closed
 * pair inserts two characters of which the suggestion usually has the first: typing.)
 */
export function interpret(shown: Shown, change: Change): Acceptance {
  if (change.document !== shown.document) {
    return { kind: "none" };
  }
  if (change.offset > shown.offset || change.offset + change.removed < shown.offset) {
    return change.offset > shown.offset + 1 ? { kind: "none" } : { kind: "gone" };
  }
  const inserted = change.text.replaceAll("\r\n", "\n");
  if (change.offset !== shown.offset || inserted === "") {
    return { kind: "gone" };
  }
  if (shown.text.startsWith(inserted)) {
    const accepted = inserted.length > 1;
    if (inserted.length === shown.text.length) {
      return { kind: "completed", characters: inserted.length, accepted };
    }
    const rest = {
      ...shown,
      offset: shown.offset + change.text.length,
      text: shown.text.slice(inserted.length),
    };
    return { kind: "advanced", rest, characters: inserted.length, accepted };
  }
  const pair = inserted.length === 2 && /^(\(\)|\[\]|\{\}|""|''|``)$/.test(inserted);
  if (pair && shown.text.startsWith(inserted.charAt(0))) {
    const rest = { ...shown, offset: shown.offset + 1, text: shown.text.slice(1) };
    return { kind: "advanced", rest, characters: 1, accepted: false };
  }
  return { kind: "gone" };
}
