import { isWritten, linePrefix, lineSuffix, linesAbove, linesBelow, writtenAbove } from "../cursor";
import { replacedLength } from "../replaceRange";
import { headerClosers, leavesCommentOpen, missingClosers } from "./closers";
import { HASH_HEADER } from "./end";
import { indentOf, type EndingContext } from "./kind";
import { endsWithLine } from "./lineLanguages";
import { opened, type Surroundings } from "./surroundings";

/** Lines at the end of a completion that are tried without. */
const MAX_DROPPED = 6;
/** Words and signs at the end of its first line that are tried without. */
const MAX_SHORTENED = 8;
/** After these nobody expects a line to end. */
const GOES_ON = /[.:=+\-*/&|?<>!%^~,@([{\\]$/;
/** Signs and words that a piece of an expression does not end with. */
const DANGLING = /(?:\s*(?:[.,=+\-*/&|?<>!%^~:]|\b(?:and|or|not|in|is|new|instanceof)$))+$/;
const LAST_WORD = /(?:[\p{L}\p{N}_$]+|[^\p{L}\p{N}_$\s]+)\s*$/u;
/** Lines that begin no item of a list. */
const NO_ITEM = /^\s*(?:[)\]}?:+/&|=<>%]|\.(?!\.)|[-*]\s)/;
/** Lines above and below that tell whether statements end with semicolons. */
const STYLE_LINES = 60;

/** What closes `text`, which replaces so many code units right of the cursor. */
export type Close = (text: string, replaced: number) => string;

/** What may become of a completion, from all of it to little. Where nothing follows the cursor, an end that goes on is as good as any. */
export function* variants(
  completion: string,
  around: Surroundings,
  close: Close = (text, replaced) => missingClosers(around, text, replaced),
): Generator<string> {
  const ends = around.next !== undefined;
  if (ends && wantsHeader(around)) {
    yield* headers(completion);
  }
  const lines = completion.split("\n");
  for (let count = lines.length; count > Math.max(0, lines.length - MAX_DROPPED); count--) {
    const text = count === lines.length ? completion : lines.slice(0, count).join("\n").trimEnd();
    if (text.trim() === "") {
      break;
    }
    if (ends) {
      yield* fitted(text, around, close);
      const ended = text.replace(DANGLING, "");
      if (ended !== text && ended.trim() !== "") {
        yield* fitted(ended, around, close);
      }
    } else {
      yield text;
    }
  }
  if (ends) {
    yield* shortened(firstLine(completion), around, close);
  }
}

/** The lines below are those of a block that nothing above opens. */
export const wantsHeader = ({ next, context }: Surroundings): boolean =>
  next !== undefined && next > indentOf(linePrefix(context));

/** The rest of the cursor's line, where that opens the block whose lines are there already: the model would write them once more. */
export function headerAlone(completion: string, around: Surroundings): string | undefined {
  const end = completion.indexOf("\n");
  const head = completion.slice(0, Math.max(0, end)).trimEnd();
  const begun = linePrefix(around.context).trim() !== "";
  return begun && wantsHeader(around) && /[{([:]$/.test(head) ? head : undefined;
}

/** Its beginnings that open a block. */
function* headers(completion: string): Generator<string> {
  for (const { index } of completion.matchAll(/[{([:](?=[ \t]*\n)/g)) {
    yield completion.slice(0, index + 1);
  }
}

/** With what closes it, or as it is if that is nothing; where it may be the header of the lines below, also as that. */
function* fitted(text: string, around: Surroundings, close: Close): Generator<string> {
  const closers = close(text, replacedLength(text, around.reading));
  const whole = text + closers;
  const endsLine = lineSuffix(around.context).trim() === "";
  if (endsLine && wantsHeader(around)) {
    yield* asHeader(text, around);
  }
  if (endsLine && !/[;,:([{]$/.test(whole)) {
    if (isItem(whole, around)) {
      yield `${whole},`;
    } else if (/[)\]"'`]$/.test(closers) && endsStatements(around.context)) {
      yield `${whole};`;
    }
  }
  if (closers !== "" || !leavesCommentOpen(around, text)) {
    yield whole;
  }
}

/** As what opens the block below. */
function* asHeader(text: string, around: Surroundings): Generator<string> {
  const { language } = around.context;
  const lastLine = (linePrefix(around.context) + text).split("\n").at(-1)!;
  const header = text.replace(/[;,]$/, "");
  const whole = header + headerClosers(around, header);
  if (GOES_ON.test(header) || header.endsWith("}")) {
    return;
  }
  if (!endsWithLine(language)) {
    yield `${whole} {`;
  } else if (HASH_HEADER.test(lastLine)) {
    yield `${whole}:`;
  }
}

/** It ends in the middle of a list whose next items stand on lines of their own. */
function isItem(text: string, { context, reading, below, next }: Surroundings): boolean {
  const lines = (linePrefix(context) + text).split("\n");
  const innermost = opened(reading, text, reading.scan(text).state).at(-1);
  if (innermost === undefined || below === undefined || NO_ITEM.test(below)) {
    return false;
  }
  if (innermost.line === lines.length - 1) {
    return innermost.closer !== "}" && next !== undefined && next > indentOf(innermost.indent);
  }
  const before = lines.slice(0, -1).findLast(isWritten) ?? writtenAbove(context);
  return (
    innermost.last &&
    /[,([{]\s*$/.test(before ?? "") &&
    (innermost.closer !== "}" || below.trimEnd().endsWith(","))
  );
}

/** Without its last words, one by one. */
function* shortened(line: string, around: Surroundings, close: Close): Generator<string> {
  let text = line;
  for (let n = 0; n < MAX_SHORTENED; n++) {
    text = text.replace(LAST_WORD, "").trimEnd();
    if (text.trim() === "") {
      return;
    }
    if (GOES_ON.test(text)) {
      continue;
    }
    yield* fitted(text, around, close);
  }
}

function firstLine(text: string): string {
  const end = text.indexOf("\n", text.search(/\S/));
  return end < 0 ? text : text.slice(0, end);
}

/** Whether statements end with semicolons in the lines around. */
function endsStatements(context: EndingContext): boolean {
  const lines = [...linesAbove(context, STYLE_LINES), ...linesBelow(context, STYLE_LINES)];
  return lines.filter((line) => line.trimEnd().endsWith(";")).length * 5 > lines.length;
}
