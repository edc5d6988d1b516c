import { hasHashComments, unmatched } from "../brackets";
import { linePrefix, linesAbove, linesBelow, lineSuffix } from "../cursor";
import type { Place } from "../place";
import { replacedLength } from "../replaceRange";
import { countErrors, type Syntax } from "../syntaxTree";
import {
  closersAtEnd,
  leavesCommentOpen,
  missingClosers,
  nearSuffix,
  surroundings,
  type Surroundings,
} from "./closers";
import { indentOf } from "./kind";

/** Lines at the end of a completion that are tried without. */
const MAX_DROPPED = 6;
/** Words and signs at the end of its first line that are tried without. */
const MAX_SHORTENED = 8;
/** Variants that are parsed at most. */
const MAX_TRIALS = 10;
/** After these nobody expects a line to end. */
const GOES_ON = /[.:=+\-*/&|?<>!%^~,@([{\\]$/;
/** Signs and words that a piece of an expression does not end with. */
const DANGLING = /(?:\s*(?:[.=+\-*/&|?<>!%^~:]|\b(?:and|or|not|in|is|new|instanceof)$))+$/;
/** Lines above and below that tell whether statements end with semicolons. */
const STYLE_LINES = 60;

/**
 * What of a completion fits into its document: all of it if it parses, or else with what closes it, or else as much of it as parses. Where the
 * document is broken anyway, all of it as long as it makes nothing worse. "" when even a little of it does.
 * @param syntax absent, or without a grammar for the language: brackets are counted
 */
export function mended(completion: string, place: Place, syntax: Syntax | undefined): string {
  const { document, language, prefix } = place;
  const suffix = nearSuffix(place.suffix);
  const around = surroundings({ prefix, suffix, language });
  const from = prefix.length - linePrefix(place).length;
  const errors = (inserted: string): number => {
    const replaced = inserted === "" ? 0 : replacedOf(inserted, place);
    const tail = closersAtEnd(around, inserted, replaced);
    const text = prefix + inserted + suffix.slice(replaced) + tail;
    const count = syntax?.parse(document, language, text, (root) => countErrors(root, from));
    return count ?? partnerless(text, language);
  };
  const asIs = errors(completion);
  if (asIs === 0 && !leavesCommentOpen(around, completion)) {
    return completion;
  }
  const before = errors("");
  const closers = missingClosers(around, completion, replacedOf(completion, place));
  if (asIs <= before && before > 0 && (asIs === 0 || (closers === "" && !wantsHeader(around)))) {
    return completion; // what is wrong has nothing to do with it
  }
  let fitting = asIs <= before ? completion : undefined;
  let trials = 0;
  for (const { text, shortened } of variants(completion, around, place)) {
    const count = errors(text);
    if (count === 0) {
      return text;
    }
    if (count <= before && !shortened) {
      fitting ??= text;
    }
    if (++trials === MAX_TRIALS) {
      break;
    }
  }
  return fitting ?? (before > 0 || around.next === undefined ? completion : "");
}

const replacedOf = (text: string, place: Place): number =>
  replacedLength(text, lineSuffix(place), linePrefix(place));

function partnerless(text: string, language: string): number {
  const { open, closers } = unmatched(text, language);
  return open.length + closers.length;
}

interface Variant {
  readonly text: string;
  /** A part of a line only. */
  readonly shortened: boolean;
}

/** From all of a completion to little of it. */
function* variants(completion: string, around: Surroundings, place: Place): Generator<Variant> {
  const lines = completion.split("\n");
  for (let count = lines.length; count > Math.max(0, lines.length - MAX_DROPPED); count--) {
    const text = count === lines.length ? completion : lines.slice(0, count).join("\n").trimEnd();
    if (text.trim() === "") {
      break;
    }
    if (count < lines.length && !leavesCommentOpen(around, text)) {
      yield { text, shortened: false };
    }
    // Where nothing follows, an end that goes on is as good as any.
    if (around.next !== undefined) {
      for (const whole of [...closed(text, around, place), ...ended(text, around, place)]) {
        yield { text: whole, shortened: false };
      }
    }
  }
  if (around.next === undefined) {
    return;
  }
  const end = completion.indexOf("\n", completion.search(/\S/));
  let first = end < 0 ? completion : completion.slice(0, end);
  for (let n = 0; n < MAX_SHORTENED; n++) {
    first = first.replace(/(?:[\p{L}\p{N}_$]+|[^\p{L}\p{N}_$\s]+)\s*$/u, "").trimEnd();
    if (first.trim() === "") {
      return;
    }
    if (GOES_ON.test(first)) {
      continue;
    }
    if (!leavesCommentOpen(around, first)) {
      yield { text: first, shortened: true };
    }
    for (const text of closed(first, around, place)) {
      yield { text, shortened: true };
    }
  }
}

/** Without what goes on after its end. */
function* ended(text: string, around: Surroundings, place: Place): Generator<string> {
  const whole = text.replace(DANGLING, "");
  if (whole !== text && whole.trim() !== "") {
    yield whole;
    yield* closed(whole, around, place);
  }
}

/** The lines below are those of a block that nothing above opens. */
const wantsHeader = ({ next, context }: Surroundings): boolean =>
  next !== undefined && next > indentOf(linePrefix(context));

/** With what closes it; where deeper lines follow below, also as their header. */
function* closed(text: string, around: Surroundings, place: Place): Generator<string> {
  const closers = missingClosers(around, text, replacedOf(text, place));
  const header = `${text.replace(/;$/, "")}${closers}`;
  if (wantsHeader(around) && !/[{}]$/.test(header)) {
    yield hasHashComments(place.language) ? `${header}:` : `${header} {`;
  }
  if (closers === "") {
    return;
  }
  if (/[)\]"'`]$/.test(closers) && lineSuffix(place).trim() === "" && endsStatements(place)) {
    yield `${text}${closers};`;
  }
  yield text + closers;
}

/** Whether statements end with semicolons in the lines around. */
function endsStatements(place: Place): boolean {
  const lines = [...linesAbove(place).slice(-STYLE_LINES), ...linesBelow(place).slice(0, STYLE_LINES)];
  return lines.filter((line) => line.trimEnd().endsWith(";")).length * 5 > lines.length;
}
