import { readingOf, type Reading } from "../lexical/reading";
import { framesOf, isBracket, textAround } from "../lexical/state";
import type { Place } from "../place";
import { replacedLength } from "../replaceRange";
import { findErrors, type Syntax, type SyntaxNode } from "../syntaxTree";
import { isClosedBelow } from "./below";
import { closersAtEnd, leavesCommentOpen, missingClosers, ownClosers, WHOLE } from "./closers";
import { excerptOf, type Excerpt } from "./excerpt";
import { surroundings, type Surroundings } from "./surroundings";
import { headerAlone, variants, wantsHeader, type Close } from "./variants";

/** Variants that are tried at most. */
const MAX_TRIALS = 12;
/** What parsing them may take: where it is much work, few are tried. */
const MAX_EFFORT = 9;
/** Of each, besides the parser's steps. */
const LEAST_EFFORT = 1;
const MIN_TRIALS = 1;
/** A parser that finds more is no judge of what it parses. */
const MAX_ERRORS = 12;

/** What is wrong with a document in which something has been inserted, from the cursor's line on. */
interface Verdict {
  readonly errors: number;
  /** Some of it is where the insertion is. */
  readonly near: boolean;
  /** Nothing is wrong above either. */
  readonly sound: boolean;
  /** Something is wrong above, whatever is inserted. */
  readonly lost: boolean;
}

/**
 * What of a completion fits into its document: all of it if it parses, or else with what closes it, or else as much of it as parses. Where the
 * document is broken anyway, all of it as long as it makes nothing worse. "" when even a little of it breaks what was sound.
 * @param syntax absent, or without a grammar for the language: brackets are counted
 */
export function mended(
  completion: string,
  place: Place,
  syntax: Syntax | undefined,
  reading: Reading = readingOf(place),
): string {
  const around = surroundings({ ...place, reading });
  if (goesOnInText(completion, around)) {
    return completion;
  }
  const reads = syntax?.reads(place.language) === true;
  const excerpt = reads ? excerptOf(reading, around.context.suffix, place.language) : undefined;
  if (syntax === undefined || excerpt === undefined || isPartial(completion, around, excerpt)) {
    return mendedByCount(completion, around);
  }
  let spent = 0;
  const judge = (text: string): Verdict | undefined =>
    judged(text, around, excerpt, (whole, look) =>
      syntax.parse(place.document, place.language, whole, (root, effort) => {
        spent += LEAST_EFFORT + effort;
        return look(root);
      }),
    );
  const swallows = leavesCommentOpen(around, completion);
  const asIs = judge(completion);
  if (asIs === undefined) {
    return mendedByCount(completion, around);
  }
  if (asIs.errors === 0 && !swallows) {
    const head = headerAlone(completion, around);
    return head !== undefined && judge(head)?.errors === 0 ? head : completion;
  }
  if (spent > MAX_EFFORT && (asIs.lost || asIs.errors > MAX_ERRORS)) {
    return mendedByCount(completion, around); // such as another language, in a text that begins further up
  }
  const before = judge("") ?? asIs;
  if (asIs.errors <= before.errors && !swallows && !asIs.near) {
    return completion;
  }
  // What is broken elsewhere may stay so.
  const fits = (verdict: Verdict | undefined): boolean =>
    verdict?.errors === 0 ||
    (verdict?.near === false && verdict.errors <= before.errors && verdict.errors < asIs.errors);
  const fitting = firstOf(
    variants(completion, around),
    completion,
    (text) => fits(judge(text)),
    () => spent > MAX_EFFORT,
  );
  if (fitting !== undefined) {
    return fitting;
  }
  // A parser that does not take all of the author's code may be wrong about this, too.
  return before.sound && around.next !== undefined ? "" : completion;
}

/** In a comment or string that what follows ends, or may end further down, anything goes. */
function goesOnInText(completion: string, { reading, context, cut }: Surroundings): boolean {
  const text = textAround(reading.state);
  return (
    text !== undefined &&
    text === textAround(reading.scan(completion).state) &&
    !text.endsWithLine &&
    (cut || isClosedBelow(text, context.suffix))
  );
}

const CONDITION = /^[ \t]*#[ \t]*(?:if|el|endif)/m;
const CASE_ARM = /^[ \t]*[^\s()][^()\n;&]*\).*;;/m;

/** Parts of a file that the preprocessor leaves out make the rest hard to parse; so does a shell's case whose beginning is not there. */
function isPartial(
  completion: string,
  { reading, context: { language, suffix } }: Surroundings,
  { head, end }: Excerpt,
): boolean {
  if (language === "shellscript") {
    const inCase = framesOf(reading.state).some(({ kind }) => kind === "case");
    return !inCase && CASE_ARM.test(reading.left + completion);
  }
  return (language === "c" || language === "cpp") && CONDITION.test(head + completion + suffix.slice(0, end));
}

/** The first of `variants` other than `completion` that fits, if it comes early enough. */
function firstOf(
  variants: Iterable<string>,
  completion: string,
  fits: (text: string) => boolean,
  isEnough = (): boolean => false,
): string | undefined {
  const tried = new Set([completion]);
  for (const text of variants) {
    if (tried.size > MAX_TRIALS || (tried.size > MIN_TRIALS && isEnough())) {
      break;
    }
    if (!tried.has(text) && fits(text)) {
      return text;
    }
    tried.add(text);
  }
  return undefined;
}

/** As much of it as leaves brackets balanced where they are without it; all of one that opens a block, or ends in what may be a string. */
function mendedByCount(completion: string, around: Surroundings): string {
  const { reading } = around;
  const balanced = (text: string): boolean => isBalanced(text, around);
  const head = headerAlone(completion, around);
  if (head !== undefined && balanced(head)) {
    return head;
  }
  const unknown = completion.endsWith("{") || textAround(reading.scan(completion).state) !== undefined;
  if (unknown || balanced(completion) || !balanced("")) {
    return completion;
  }
  const close: Close = (text, replaced) => ownClosers(around, text, replaced);
  return firstOf(variants(completion, around, close), completion, balanced) ?? completion;
}

/** Whether nothing is open, and nothing is closed that was not open, in the text round the cursor with `text` at it. */
function isBalanced(text: string, around: Surroundings): boolean {
  const { reading, context } = around;
  if (reading.above.wrong > 0) {
    return false;
  }
  const replaced = replacedLength(text, reading);
  const rest = context.suffix.slice(replaced) + closersAtEnd(around, text, replaced);
  const { top, wrong } = reading.scan(text + rest);
  return wrong === 0 && !framesOf({ top }).some(isBracket);
}

/** Undefined: nothing can be parsed. */
function judged(
  text: string,
  around: Surroundings,
  excerpt: Excerpt,
  parse: (whole: string, look: (root: SyntaxNode) => Verdict) => Verdict | undefined,
): Verdict | undefined {
  const { reading, context } = around;
  const replaced = text === "" ? 0 : replacedLength(text, reading);
  // Where it begins a string, what follows is another thing.
  const end = textAround(reading.scan(text).state);
  const begins = end?.endsWithLine === false && textAround(reading.state) === undefined;
  const follows = begins ? WHOLE : excerpt;
  const rest = context.suffix.slice(replaced, follows.end);
  const before = excerpt.head + text;
  const lineStart = excerpt.head.length - reading.left.length;
  // The parser may notice only on the next line that this one is not over.
  const nextLine = /\n\s*\S.*/.exec(rest);
  const to = before.length + (nextLine === null ? rest.length : nextLine.index + nextLine[0].length);
  const whole = before + rest + closersAtEnd(around, text, replaced, follows);
  return parse(whole, (root) => {
    const all = findErrors(root);
    const errors = all.filter(({ endIndex }) => endIndex >= lineStart);
    const open = missingClosers(around, text, replaced) !== "";
    // The parser finds what is missing only at the end.
    const near = open || wantsHeader(around) || errors.some(({ startIndex }) => startIndex <= to);
    return { errors: errors.length, near, sound: all.length === 0, lost: errors.length < all.length };
  });
}
