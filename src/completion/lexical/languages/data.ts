import { BACKSLASH, language, lineComment, prose, pushBracket, skip } from "../build";
import type { Mode, Rule } from "../mode";

const indentAt = (text: string, index: number): number => {
  const start = text.lastIndexOf("\n", index - 1) + 1;
  return /^[ ]*/.exec(text.slice(start, index))![0].length;
};
/** A quotation begins where a value begins. */
const VALUE = /(?<=^|[\s[{,(:!-])/y;
const yamlQuote = (quote: string, doubled: boolean): Rule => ({
  starts: quote,
  match: new RegExp(VALUE.source + quote, "y"),
  then: (scanner) =>
    void scanner.push(
      {
        kind: "quote",
        open: quote,
        close: quote,
        inside: doubled ? prose() : prose([skip("\\", BACKSLASH)]),
        doubled,
      },
      scanner.index - 1,
      1,
    ),
});
const BLOCK_TEXT = prose();
export const YAML: Mode = prose([
  lineComment(/(?<=^|\s)#/y),
  {
    // A text that is as long as it is indented.
    starts: "|>",
    match: /(?<=[:\-?][ \t]+(?:![\w!]+[ \t]+|&\w+[ \t]+)*)[|>][-+\d]*(?=[ \t]*(?:#[^\n]*)?(?:\n|$))/y,
    then: (scanner, [open]) => {
      const indent = indentAt(scanner.text, scanner.index);
      scanner.pending = [
        ...scanner.pending,
        { kind: "indented", open: open, close: "", inside: BLOCK_TEXT, indent },
      ];
    },
  },
  yamlQuote('"', false),
  yamlQuote("'", true),
  // Any other is an apostrophe, or wrong.
  skip("\"'", /(?<=\w)["'](?=\w)/y),
  {
    starts: "\"'",
    match: /["']/y,
    then: (scanner) => {
      scanner.odd++;
    },
  },
]);

export const TOML = language({
  lineComments: ["#"],
  strings: [
    { starts: '"', open: /"""/y, lines: true },
    { starts: "'", open: /'''/y, lines: true, escape: false },
    { starts: '"', open: /"/y },
    { starts: "'", open: /'/y, escape: false },
  ],
});

/** A backslash before a letter or a quotation mark in a word: MySQL's; elsewhere it is a sign like others. */
const SQL_ESCAPE = /\\['"\\](?=\w)|\\[\w%]/y;
export const SQL: Mode = language({
  first: [
    lineComment(/(?<=^|\n)[ \t]*#(?=[ \t!]|\n|$)/y),
    {
      starts: "$",
      match: /\$(?:[A-Za-z_]\w*)?\$/y,
      then: (scanner, [tag]) => {
        for (let one = scanner.top; one !== undefined; one = one.parent) {
          if (one.open === tag) {
            scanner.index -= tag.length;
            scanner.close(one, tag.length);
            return;
          }
        }
        pushBracket(scanner, tag, SQL, tag);
      },
    },
  ],
  goesOn: true,
  lineComments: ["--"],
  blockComments: [{ open: "/*", close: "*/", nested: true }],
  strings: [
    { starts: "eE", open: /[eE]'/y, close: () => "'", lines: true, doubled: true },
    { starts: "'", open: /'/y, lines: true, doubled: true, escape: SQL_ESCAPE },
    { starts: '"', open: /"/y, lines: true, doubled: true, escape: SQL_ESCAPE },
    { starts: "`", open: /`/y, doubled: true, escape: false },
  ],
});

/** Settings, one on each line: text, and comments where a line begins. */
export const INI = prose([lineComment(/(?<=^|\n)[ \t]*[;#!]/y), skip("\\", BACKSLASH)]);

export const DOCKERFILE = prose([
  lineComment(/(?<=^|\n)[ \t]*#/y),
  skip("\\", BACKSLASH),
  { starts: "$", match: /\$[({]/y, then: (scanner, [open]) => pushBracket(scanner, open, DOCKER_CODE) },
]);
const DOCKER_CODE: Mode = prose();

export const CMAKE = language({
  first: [
    skip("\\", BACKSLASH),
    {
      starts: "#[",
      match: /#?\[(=*)\[/y,
      then: (scanner, [open, level]) =>
        void scanner.push(
          { kind: "quote", open: open, close: `]${level!}]`, inside: prose() },
          scanner.index - open.length,
          open.length,
        ),
    },
  ],
  lineComments: ["#"],
  strings: [{ starts: '"', open: /"/y, lines: true }],
});

export const GRAPHQL = language({
  lineComments: ["#"],
  strings: [
    { starts: '"', open: /"""/y, lines: true },
    { starts: '"', open: /"/y },
  ],
});

export const TERRAFORM: Mode = language({
  first: [
    {
      starts: "<",
      match: /<<(-?)([A-Za-z_]\w*)/y,
      then: (scanner, [said, , name]) => {
        scanner.pending = [...scanner.pending, { kind: "lines", open: said, close: name!, inside: prose() }];
      },
    },
  ],
  lineComments: ["#", "//"],
  blockComments: [{ open: "/*", close: "*/" }],
  strings: [{ starts: '"', open: /"/y, holes: [{ open: /[$%]\{/y, close: "}" }] }],
});

export const NIX: Mode = language({
  lineComments: ["#"],
  blockComments: [{ open: "/*", close: "*/" }],
  strings: [
    { starts: '"', open: /"/y, lines: true, holes: [{ open: /\$\{/y, close: "}" }] },
    {
      starts: "'",
      open: /''/y,
      close: () => "''",
      lines: true,
      escape: /'''|''\$|''\\./y,
      holes: [{ open: /\$\{/y, close: "}" }],
    },
  ],
  word: /[\w'-]+/y,
});
