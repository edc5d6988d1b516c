import { unmatched } from "../brackets";
import { linePrefix, lineSuffix } from "../cursor";
import type { Place } from "../place";
import { replacedLength } from "../replaceRange";
import { findErrors, type Syntax } from "../syntaxTree";
import { closersAtEnd, leavesCommentOpen, missingClosers } from "./closers";
import { surroundings, type Surroundings } from "./surroundings";
import { variants, wantsHeader } from "./variants";

/** Variants that are parsed at most. */
const MAX_TRIALS = 5;

/** What is wrong with a document in which something has been inserted, from the cursor's line on. */
interface Verdict {
  readonly errors: number;
  /** Some of it is where the insertion is. */
  readonly near: boolean;
  /** Nothing closes what is open after the insertion. */
  readonly open: boolean;
}

/**
 * What of a completion fits into its document: all of it if it parses, or else with what closes it, or else as much of it as parses. Where the
 * document is broken anyway, all of it as long as it makes nothing worse. "" when even a little of it breaks what was sound.
 * @param syntax absent, or without a grammar for the language: brackets are counted
 */
export function mended(completion: string, place: Place, syntax: Syntax | undefined): string {
  const around = surroundings(place);
  const judge = (text: string): Verdict => judged(text, place, around, syntax);
  const swallows = leavesCommentOpen(around, completion);
  const asIs = judge(completion);
  if (asIs.errors === 0 && !swallows) {
    return completion;
  }
  const before = judge("").errors;
  const worse = asIs.errors > before || swallows;
  if (!worse && !asIs.near) {
    return completion;
  }
  let fitting = worse ? undefined : completion;
  let trials = 0;
  for (const { text, guessed } of variants(completion, around, place)) {
    if (text === completion) {
      continue;
    }
    const { errors, open } = judge(text);
    if (errors === 0) {
      return text;
    }
    if (errors <= before && !guessed && !open) {
      fitting ??= text;
    }
    if (++trials === MAX_TRIALS) {
      break;
    }
  }
  return fitting ?? (before > 0 || around.next === undefined ? completion : "");
}

function judged(text: string, place: Place, around: Surroundings, syntax: Syntax | undefined): Verdict {
  const { document, language, prefix } = place;
  const { suffix } = around.context;
  const replaced = text === "" ? 0 : replacedLength(text, lineSuffix(place), linePrefix(place));
  const inserted = prefix + text + suffix.slice(replaced) + closersAtEnd(around, text, replaced);
  const from = prefix.length - linePrefix(place).length;
  const nextLine = suffix.search(/\n[ \t]*\S/);
  const to = prefix.length + text.length - replaced + (nextLine < 0 ? suffix.length : nextLine + 1);
  const errors = syntax?.parse(document, language, inserted, (root) => findErrors(root, from));
  // The parser finds what is missing only at the end.
  const open = missingClosers(around, text, replaced) !== "";
  const near = open || wantsHeader(around);
  return errors === undefined
    ? { errors: partnerless(inserted, language), near, open }
    : { errors: errors.length, near: near || errors.some(({ startIndex }) => startIndex <= to), open };
}

function partnerless(text: string, language: string): number {
  const { open, closers } = unmatched(text, language);
  return open.length + closers.length;
}
