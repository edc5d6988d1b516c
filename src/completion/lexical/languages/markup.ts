import {
  BACKSLASH,
  blockComment,
  CLOSER_OF,
  escaped,
  language,
  lineComment,
  prose,
  pushBracket,
  skip,
  text,
} from "../build";
import { mode, type Mode, type Rule } from "../mode";
import type { Scanner } from "../scanner";
import type { Frame } from "../state";
import { JAVASCRIPT_CODE } from "./javascriptCode";

/** Elements without an end tag. */
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|!\w+)$/i;
/** Elements whose end tag may be left out. */
const OPTIONAL = /^(?:li|dt|dd|p|rt|rp|optgroup|option|colgroup|thead|tbody|tfoot|tr|td|th|html|head|body)$/i;

/** Of what begins or ends a tag: `<name`, `</name`, `<>`. */
const nameOf = (tag: string): string =>
  tag.slice(tag.startsWith("</") ? 2 : 1, tag.endsWith(">") ? -1 : undefined);

/** What stands in an element by the name of its tag; absent: what stands around it. */
export type ContentOf = (name: string) => Mode | undefined;

/** The scanner stands after `</name>`, which began at `at`. */
function endElement(scanner: Scanner, name: string, at: number, markup: boolean): void {
  let wrong = 0;
  const wanted = name.toLowerCase();
  for (let one: Frame | undefined = scanner.top; one !== undefined; one = one.parent) {
    if (one.kind === "element" && nameOf(one.open).toLowerCase() === wanted) {
      const { index } = scanner;
      scanner.wrong += wrong;
      scanner.index = at;
      scanner.close(one, index - at);
      return;
    }
    if (!one.soft && one.kind !== "element") {
      break;
    }
    wrong += one.soft || (markup && OPTIONAL.test(nameOf(one.open))) ? 0 : 1;
  }
  if (!(markup && VOID.test(name))) {
    scanner.stray(scanner.text.slice(at, scanner.index), at);
  }
}

/** The end of a tag that does not end its element. */
function beginElement(scanner: Scanner, contentOf: ContentOf, markup: boolean): void {
  const { top } = scanner;
  const tag = top?.base;
  if (tag?.kind !== "tag") {
    scanner.operand = false;
    return;
  }
  const name = nameOf(tag.open);
  scanner.operand = true;
  if (tag.open.startsWith("</")) {
    scanner.top = tag.parent;
    endElement(scanner, name, tag.at - scanner.offset, markup);
    return;
  }
  scanner.index--;
  scanner.close(tag, 1);
  if (markup && VOID.test(name)) {
    return;
  }
  const content = contentOf(name) ?? scanner.mode;
  const raw = markup && /^(?:script|style)$/i.test(name);
  scanner.push(
    {
      kind: "element",
      open: tag.open,
      close: raw ? `</${name.toLowerCase()}` : `</${name}>`,
      inside: content,
      raw,
      tail: tag.inside,
    },
    tag.at - scanner.offset,
    scanner.index - tag.at + scanner.offset,
  );
}

/** What stands in a tag after its name. */
function tagMode(contentOf: ContentOf, markup: boolean, holes: readonly Rule[]): Mode {
  const value = (quote: string): Rule =>
    text({ starts: quote, open: new RegExp(quote, "y"), escape: false, lines: true }, () => made);
  const made: Mode = mode([
    ...holes,
    skip("=", /=>/y),
    value('"'),
    value("'"),
    {
      starts: "/",
      match: /\/\s*>/y,
      then: (scanner, [end]) => {
        const tag = scanner.top?.base;
        if (tag?.kind === "tag") {
          scanner.index -= end.length;
          scanner.close(tag, end.length);
        }
        scanner.operand = true;
      },
    },
    { starts: ">", match: />/y, then: (scanner) => beginElement(scanner, contentOf, markup) },
    // The tag is not finished.
    { starts: "<", match: /</y, then: (scanner) => scanner.stray("<", scanner.index - 1) },
    skip("", /[\w\-:.@#*]+/y, { operand: true }),
  ]);
  return made;
}

/** Tags. @param start sticky, `<` and a name @param when where a tag may begin */
export function tags(
  start: RegExp,
  contentOf: ContentOf,
  more: {
    readonly markup: boolean;
    readonly holes?: readonly Rule[];
    readonly when?: (scanner: Scanner) => boolean;
  },
): { readonly begin: Rule; readonly end: Rule; readonly stray: Rule } {
  const inTag = tagMode(contentOf, more.markup, more.holes ?? []);
  return {
    begin: {
      starts: "<",
      match: start,
      ...(more.when === undefined ? {} : { when: more.when }),
      then: (scanner, [open]) => {
        const tag = scanner.push(
          { kind: "tag", open: open, close: ">", inside: inTag },
          scanner.index - open.length,
          open.length,
        );
        if (open.endsWith(">") && tag.open === "<>") {
          beginElement(scanner, contentOf, more.markup);
        }
      },
    },
    end: {
      starts: "<",
      match: /<\/[\w.:-]*/y,
      then: (scanner, [open]) =>
        void scanner.push(
          { kind: "tag", open: open, close: ">", inside: inTag },
          scanner.index - open.length,
          open.length,
        ),
    },
    // Text has another sign for it.
    stray: { starts: ">", match: />/y, then: (scanner) => scanner.stray(">", scanner.index - 1) },
  };
}

/** A pair of the signs of templates: `{{ }}`, `{% %}`, `<% %>`. */
const pair = (open: string, close: string, inside: () => Mode): readonly Rule[] => [
  {
    starts: open.charAt(0),
    match: new RegExp(`${escaped(open)}[-+=!~]?`, "y"),
    then: (scanner, [said]) => pushBracket(scanner, said, inside(), close),
  },
];

const closing = (close: string): Rule => ({
  starts: "",
  match: new RegExp(`[-+~]?${escaped(close)}`, "y"),
  then: (scanner) => {
    scanner.closePair(close, scanner.index - close.length);
    scanner.operand = true;
  },
});

const TEMPLATE_ENDS = ["%}", "}}", "%>"].map(closing);
/** The code of templates: near enough to any. */
const TEMPLATE_CODE = language({
  first: [
    { ...TEMPLATE_ENDS[0]!, starts: "-+~%" },
    { ...TEMPLATE_ENDS[1]!, starts: "-+~}", when: ({ top }) => top?.close === "}}" },
    { ...TEMPLATE_ENDS[2]!, starts: "-+~%" },
  ],
  strings: [{ starts: "\"'`", open: /["'`]/y }],
});
export const TEMPLATES: readonly Rule[] = [
  blockComment({ open: "{#", close: "#}" }),
  blockComment({ open: "{{!--", close: "--}}" }),
  blockComment({ open: "<%#", close: "%>" }),
  ...pair("{%", "%}", () => TEMPLATE_CODE),
  ...pair("{{", "}}", () => TEMPLATE_CODE),
  ...pair("<%", "%>", () => TEMPLATE_CODE),
];

/** CSS and what is made of it. */
const css = (lines: boolean): Mode =>
  language({
    goesOn: true,
    first: [
      skip("uU", /url\([^"'()\s\n]*\)/iy, { operand: true }),
      skip("\\", BACKSLASH),
      ...(lines ? [skip("h", /https?:\/\/[^\s"')]*/y)] : []),
    ],
    ...(lines ? { lineComments: ["//"] } : {}),
    blockComments: [{ open: "/*", close: "*/" }],
    strings: [{ starts: "\"'", open: /["']/y }],
    word: /[\w$\-\u0080-\uffff]+/y,
  });
export const CSS = css(false);
export const SCSS = css(true);

const MARKUP_COMMENTS = [
  blockComment({ open: "<!--", close: "-->" }),
  blockComment({ open: "<![CDATA[", close: "]]>" }),
  blockComment({ open: "<?", close: "?>" }),
];

const contentOfHtml: ContentOf = (name) =>
  /^script$/i.test(name) ? JAVASCRIPT_CODE : /^style$/i.test(name) ? CSS : undefined;
const HTML_TAGS = tags(/<(?:!?[A-Za-z][\w.:-]*)/y, contentOfHtml, { markup: true, holes: TEMPLATES });
/** HTML with whatever a template engine puts into it. */
export const HTML = prose([
  // Most of what there is: nothing else begins as they do.
  HTML_TAGS.end,
  HTML_TAGS.begin,
  HTML_TAGS.stray,
  ...MARKUP_COMMENTS,
  ...TEMPLATES,
]);

const XML_TAGS = tags(/<[A-Za-z_][\w.:-]*/y, () => undefined, { markup: false });
export const XML = prose([...MARKUP_COMMENTS, XML_TAGS.end, XML_TAGS.begin, XML_TAGS.stray]);

const FENCE: Rule = {
  starts: "`~",
  match: /(?<=^|\n)(?:```|~~~)/y,
  then: (scanner, [fence]) =>
    void scanner.push(
      { kind: "lines", open: fence, close: fence, inside: prose() },
      scanner.index - fence.length,
      fence.length,
    ),
};
/** Markdown and its like. */
export const MARKDOWN = prose([FENCE, MARKUP_COMMENTS[0]!]);

/** PHP between its tags, and the HTML around. */
const PHP_HOLES = [
  { open: /\{(?=\$)/y, close: "}" },
  { open: /\$\{/y, close: "}" },
] as const;
function heredoc(scanner: Scanner, [said, , quote, name]: RegExpExecArray): void {
  const inside = quote === "'" ? prose() : PHP_HEREDOC;
  scanner.pending = [...scanner.pending, { kind: "lines", open: said, close: name!, inside }];
  scanner.operand = true;
}
const PHP_KEYWORDS =
  /^(?:return|echo|print|case|and|or|xor|new|throw|yield|include|require|include_once|require_once|else|in)$/;
export const PHP: Mode = language({
  goesOn: true,
  first: [
    { starts: "<", match: /<<<([ \t]*)(["']?)([A-Za-z_]\w*)\2/y, then: heredoc },
    // An attribute is no comment.
    {
      starts: "#",
      match: /#\[/y,
      then: (scanner) => pushBracket(scanner, "[", scanner.mode),
    },
    {
      starts: "?",
      match: /\?>\n?/y,
      then: (scanner, [end]) => {
        scanner.index -= end.length;
        const open = scanner.top?.outer;
        if (open?.close === "?>") {
          scanner.close(open, 2);
        } else {
          // The text begins within a tag.
          scanner.push(
            { kind: "element", open: "?>", close: "<?php", inside: PHP_TEXT, soft: true },
            scanner.index,
            2,
          );
          scanner.index += 2;
        }
      },
    },
    skip("\\", /\\/y),
  ],
  lineComments: ["//", "#"],
  blockComments: [{ open: "/*", close: "*/" }],
  strings: [
    { starts: "'", open: /'/y, lines: true },
    { starts: '"', open: /"/y, lines: true, holes: PHP_HOLES },
    { starts: "`", open: /`/y, lines: true, holes: PHP_HOLES },
  ],
  keywords: PHP_KEYWORDS,
});
const PHP_HEREDOC: Mode = prose([
  skip("\\", BACKSLASH),
  ...PHP_HOLES.map(({ open, close }): Rule => ({
    starts: "{$",
    match: open,
    then: (scanner, [said]) => pushBracket(scanner, said, PHP, close),
  })),
]);
const PHP_OPEN: Rule = {
  starts: "<",
  match: /<\?(?:php\b|=)?/y,
  then: (scanner, [open]) =>
    void scanner.push(
      { kind: "bracket", open: open, close: "?>", inside: PHP, raw: true },
      scanner.index - open.length,
      open.length,
    ),
};
const PHP_TAGS = tags(/<(?:!?[A-Za-z][\w.:-]*)/y, contentOfHtml, { markup: true, holes: [PHP_OPEN] });
export const PHP_TEXT: Mode = prose([
  PHP_OPEN,
  MARKUP_COMMENTS[0]!,
  PHP_TAGS.end,
  PHP_TAGS.begin,
  PHP_TAGS.stray,
]);

/** LaTeX: a backslash makes of a brace a sign. */
const MATH: Rule = {
  starts: "$",
  match: /\$\$?/y,
  then: (scanner, [dollar]) => {
    // A half-open interval leaves its bracket open.
    for (let one = scanner.top; one?.soft === true; one = one.parent) {
      if (one.kind === "quote" && one.close === dollar) {
        scanner.index -= dollar.length;
        scanner.close(one, dollar.length);
        return;
      }
    }
    scanner.push(
      { kind: "quote", open: dollar, close: dollar, inside: scanner.mode, soft: true },
      scanner.index - dollar.length,
      dollar.length,
    );
  },
};
const VERBATIM: Rule = {
  starts: "\\",
  match: /\\begin\{(verbatim\*?|Verbatim|lstlisting|minted|comment)\}/y,
  then: (scanner, [open, name]) => {
    const end = `\\end{${name!}}`;
    scanner.push(
      { kind: "quote", open: open, close: end, inside: prose() },
      scanner.index - open.length,
      open.length,
    );
  },
};
/** Signs of several characters: formulas, braces that are shown. */
const SIGNS: Readonly<Record<string, string>> = { "\\(": "\\)", "\\[": "\\]", "\\{": "\\}" };
const MATH_SIGNS: readonly Rule[] = [
  {
    starts: "\\",
    match: /\\[([{]/y,
    then: (scanner, [open]) => pushBracket(scanner, open, scanner.mode, SIGNS[open], true),
  },
  { starts: "\\", match: /\\[)\]}]/y, then: (scanner, [close]) => scanner.closePair(close) },
];
/** `\left( … \right)`: what it ends with need not be of the same kind. */
const FENCES: readonly Rule[] = [
  {
    starts: "\\",
    match: /\\left(\\[A-Za-z]+|\\[{|]|[^\sA-Za-z\\])/y,
    then: (scanner, [open, sign]) => {
      const close = SIGNS[sign!] ?? CLOSER_OF[sign!] ?? sign!.replace(/^\\l/, "\\r");
      pushBracket(scanner, open, scanner.mode, `\\right${close}`, true);
    },
  },
  {
    starts: "\\",
    match: /\\right(?:\\[A-Za-z]+|\\[}|]|[^\sA-Za-z\\])/y,
    then: (scanner, [close]) => {
      for (let one = scanner.top; one?.soft === true; one = one.parent) {
        if (one.open.startsWith("\\left")) {
          scanner.index -= close.length;
          scanner.close(one, close.length);
          return;
        }
      }
      scanner.stray(close, scanner.index - close.length);
    },
  },
];
const BRACES: readonly Rule[] = [
  { starts: "{", match: /\{/y, then: (scanner, [open]) => pushBracket(scanner, open, scanner.mode) },
];
const TEX_QUOTES: Rule = {
  starts: "`",
  match: /``?/y,
  then: (scanner, [open]) => {
    const close = "'".repeat(open.length);
    scanner.push(
      { kind: "quote", open: open, close, inside: scanner.mode, soft: true },
      scanner.index - open.length,
      open.length,
    );
  },
};
const TEX_QUOTE_ENDS: Rule = {
  starts: "'",
  match: /''?/y,
  then: (scanner, [close]) => {
    for (let one = scanner.top; one?.soft === true; one = one.parent) {
      if (one.kind === "quote" && one.close === close) {
        scanner.index -= close.length;
        scanner.close(one, close.length);
        return;
      }
    }
  },
};
export const LATEX: Mode = prose([
  VERBATIM,
  skip("\\", /\\verb\*?([^\w\s*])(?:(?!\1)[^\n])*\1/y),
  skip("\\", /\\(?:url|href|path)\{[^{}\n]*\}/y),
  ...MATH_SIGNS,
  ...FENCES,
  skip("\\", /\\(?:[A-Za-z@]+|[^])/y),
  lineComment("%"),
  MATH,
  TEX_QUOTES,
  TEX_QUOTE_ENDS,
  ...BRACES,
]);
