import { countErrors, type Syntax } from "../syntaxTree";

export interface Insertion {
  readonly document: string;
  readonly language: string;
  /** The whole document. */
  readonly text: string;
  /** Of the cursor in it. */
  readonly offset: number;
  /** Code units right of the cursor that the completion replaces. */
  readonly replaced: number;
}

/** Lines at the end of a completion that are tried without. */
const MAX_DROPPED = 6;

/**
 * The longest beginning of a completion, in whole lines, with which the document parses as well as without it; all of it when there is no
 * such beginning, or no parser.
 */
export function longestParsed(completion: string, insertion: Insertion, syntax: Syntax | undefined): string {
  const errors = (inserted: string, replaced: number): number | undefined => {
    const { document, language, text, offset } = insertion;
    const joined = text.slice(0, offset) + inserted + text.slice(offset + replaced);
    return syntax?.parse(document, language, joined, countErrors);
  };
  if (syntax === undefined || !completion.includes("\n")) {
    return completion;
  }
  const before = errors("", 0);
  const after = errors(completion, insertion.replaced);
  if (before === undefined || after === undefined || after <= before) {
    return completion;
  }
  const lines = completion.split("\n");
  for (let count = lines.length - 1; count > Math.max(0, lines.length - 1 - MAX_DROPPED); count--) {
    const shorter = lines.slice(0, count).join("\n").trimEnd();
    const found = shorter.trim() === "" ? undefined : errors(shorter, 0);
    if (found !== undefined && found <= before) {
      return shorter;
    }
  }
  return completion;
}
