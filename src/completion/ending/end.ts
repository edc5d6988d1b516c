import { readingOf } from "../lexical/reading";
import { textAround, type Frame, type State } from "../lexical/state";
import { StopRules } from "../stopRules";
import { blocksBegun } from "./keywordBlocks";
import { indentOf, type EndingContext, type EndingKind } from "./kind";
import { endsWithLine } from "./lineLanguages";

/** Lines that a line does not end a statement before. */
const GOES_ON =
  /^(?:\.|\?\.|&&|\|\||\?\?|\?(?!\.)|:(?!:)|else\b|catch\b|finally\b|=>|extends\b|implements\b)/;
/** Ends of lines after which a statement goes on. */
const UNFINISHED = /(?:[^+]\+|\s>|[^-]-|[*=&|?<\\.]|=>|[^:]:|\b(?:return|in|of|new|extends|and|or|not))$/;
/** `const a = 1,` */
const MORE_NAMES = /^\s*(?:export\s+)?(?:const|let|var)\s[^]*,\s*$/;
/** Parts of a Python statement at the indentation of its header. */
const CLAUSE = /^\s*(?:elif|else|except|finally|case)\b/;
export const HASH_HEADER =
  /^\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|with|try|except|finally|match|case)\b/;
/** Decorators and comments before a Python statement. */
const LED_IN = /^(?:\s*[@#].*\n)+/;

/**
 * Where a completion ends that is asked for as `kind`: the length of the part of `text` that is to be shown, or undefined when more has to be
 * generated to tell.
 * @param done nothing more will be generated
 */
export function endOf(
  kind: EndingKind,
  context: EndingContext,
  text: string,
  done: boolean,
): number | undefined {
  // What is not finished with a line break yet is judged as if it were, when nothing more comes.
  const stop = new StopRules(context).push(done ? `${text}\n` : text);
  const limit = stop.stop ? Math.min(stop.text.length, text.length) : undefined;
  const end =
    kind === "line" ? lineEnd(text) : kind === "statement" ? statementEnd(context, text, done) : undefined;
  const found = end === undefined ? limit : Math.min(end, limit ?? end);
  const cut = found ?? (done ? text.length : undefined);
  return cut === undefined ? undefined : text.slice(0, cut).trimEnd().length;
}

/** End of the first line that has something on it, once it is complete: what can be shown while the rest is still on its way. */
export function firstLineEnd(text: string): number | undefined {
  const start = text.search(/\S/);
  const end = start < 0 ? -1 : text.indexOf("\n", start);
  return end < 0 ? undefined : end;
}

function lineEnd(text: string): number | undefined {
  const end = text.indexOf("\n");
  return end < 0 ? undefined : end;
}

/** The first line after which no bracket and no string over several lines is open, and which nothing goes on from. */
function statementEnd(context: EndingContext, text: string, done: boolean): number | undefined {
  const hash = endsWithLine(context.language);
  const reading = readingOf(context);
  const { left, lineStart } = reading;
  const isOpen = (state: Pick<State, "top">): boolean =>
    reading.openedSince(lineStart, state).some(waitsForMore);
  // A completion that begins with a line break leaves the cursor's line as it is, unless something is open there.
  const blank = isOpen(reading.state) ? 0 : (/^(?:[ \t]*\n)+/.exec(text)?.[0].length ?? 0);
  const before = blank > 0 ? "" : left;
  const body = text.slice(blank);
  const scanner = reading.scanner(text);
  let blocks = 0;
  for (let at = body.indexOf("\n"); at >= 0; at = body.indexOf("\n", at + 1)) {
    scanner.run(left.length + blank + at);
    const statement = before + body.slice(0, at);
    const line = statement.slice(statement.lastIndexOf("\n") + 1).trimEnd();
    const code = codeOf(line, scanner, lineStart + left.length + blank + at);
    const own = statement.replace(LED_IN, "");
    blocks +=
      textAround(scanner.state) === undefined || code !== line ? blocksBegun(code, context.language) : 0;
    if (hash && HASH_HEADER.test(own) && code.endsWith(":") && !isOpen(scanner)) {
      const end = blockEnd(body, at, indentOf(own), done);
      return end === undefined ? undefined : blank + end;
    }
    if (isOpen(scanner) || isComment(line, hash) || blocks > 0) {
      continue;
    }
    if (UNFINISHED.test(code) || MORE_NAMES.test(statement) || (hash && /^\s*@/.test(line))) {
      continue;
    }
    if (hash || (line.endsWith(";") && !/^\s*(?:else\s+)?if\b/.test(line))) {
      return blank + at;
    }
    const next = body.slice(at).trimStart();
    if (next.length < 2 && !done) {
      return undefined; // what comes next decides
    }
    if (!GOES_ON.test(next)) {
      return blank + at;
    }
  }
  return undefined;
}

/** Of what is open: a bracket or a text that has to be closed for a statement to end. */
export const waitsForMore = ({ kind, soft, endsWithLine: short }: Frame): boolean =>
  kind !== "element" && !soft && !short;

/** A line without the comment at its end. @param offset of the end of the line, where the scanner stands */
export function codeOf(line: string, { top }: Pick<State, "top">, offset: number): string {
  const comment = top?.line;
  return comment?.kind === "comment"
    ? line.slice(0, Math.max(0, line.length - (offset - comment.at))).trimEnd()
    : line;
}

/** End of an indented block whose header is indented by `indent` and ends at `header`. */
function blockEnd(text: string, header: number, indent: number, done: boolean): number | undefined {
  let end = header;
  for (let at = header; at >= 0 && at < text.length;) {
    const next = text.indexOf("\n", at + 1);
    const line = text.slice(at + 1, next < 0 ? text.length : next);
    if (line.trim() !== "") {
      const outside = indentOf(line) < indent || (indentOf(line) === indent && !CLAUSE.test(line));
      if (outside && end > header) {
        // A clause is told by its first word.
        return next < 0 && !done && indentOf(line) === indent && line.trim().length < 8 ? undefined : end;
      }
      end = next < 0 ? text.length : next;
    }
    if (next < 0) {
      break;
    }
    at = next;
  }
  return done ? end : undefined;
}

const isComment = (line: string, hash: boolean): boolean =>
  hash ? /^\s*#/.test(line) : /^\s*(?:\/\/|\/\*|\*(?!\w))/.test(line);
