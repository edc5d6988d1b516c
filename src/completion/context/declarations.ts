import { indentOf } from "../ending/kind";

/** Lines of one declaration, at most. */
const MAX_LINES = 12;
const KEYWORDS = new Set(
  (
    "abstract and any array async await bool boolean break case catch char class const continue def default delete elif else enum except " +
    "export extends false final finally float for from func function global implements import int interface into lambda let list match new " +
    "none not null number object pass private protected public raise readonly return self static string super switch this throw true try type " +
    "typeof undefined union unknown var void while with yield None True False"
  ).split(/\s+/),
);

/** A name in a text and where its last mention begins. */
export interface Mention {
  readonly name: string;
  readonly offset: number;
}

/** Names that are used before the cursor, nearest first, each once: what a reader would look up. */
export function mentionsBefore(prefix: string, most: number, reach = 1_500): Mention[] {
  const start = Math.max(0, prefix.length - reach);
  const found = new Map<string, number>();
  const code = prefix
    .slice(start)
    .replace(/\/\/[^\n]*|(?<=^|\s)#[^\n]*|"[^"\n]*"|'[^'\n]*'/g, (text) => " ".repeat(text.length));
  for (const match of code.matchAll(/[\p{L}_$][\p{L}\p{N}_$]{2,}/gu)) {
    if (!KEYWORDS.has(match[0])) {
      found.delete(match[0]);
      found.set(match[0], start + match.index);
    }
  }
  return [...found]
    .reverse()
    .slice(0, most)
    .map(([name, offset]) => ({ name, offset }));
}

/**
 * The declaration that begins on line `line` (from 0): of something with a body as much as fits, of anything else the statement. Its comment
 * above is left out.
 */
export function declarationAt(text: string, line: number): string {
  const lines = text.split("\n");
  const first = lines[line];
  if (first === undefined) {
    return "";
  }
  const indent = indentOf(first);
  let end = line + 1;
  while (end < lines.length && end - line < MAX_LINES) {
    const next = lines[end]!;
    if (next.trim() !== "" && indentOf(next) <= indent) {
      // The closing line belongs to it.
      end += /^\s*[)\]}]/.test(next) ? 1 : 0;
      break;
    }
    end++;
  }
  return lines.slice(line, end).join("\n").trimEnd();
}

/** Declarations of `names` in a file, in its order, one after the other; "" when none is found. */
export function declarationsOf(text: string, names: readonly string[]): string {
  const lines = text.split("\n");
  const wanted = new Set(names);
  const found: string[] = [];
  lines.forEach((line, i) => {
    const name =
      /^(?:export\s+)?(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|interface|type|enum|const|let|var|def)\s+([\p{L}_$][\p{L}\p{N}_$]*)/u.exec(
        line,
      )?.[1] ?? /^([A-Za-z_]\w*)\s*[:=]/.exec(line)?.[1];
    if (name !== undefined && wanted.has(name)) {
      found.push(declarationAt(text, i));
    }
  });
  return found.join("\n");
}
