import { BACKSLASH, language, prose, skip, type Text } from "../build";

const STRING: Text = { starts: '"', open: /"/y, lines: true };
/** Identifiers may end in primes, and a lone apostrophe is a mark of its own. */
const PRIMED = /[\w\u0080-\uffff][\w'\u0080-\uffff]*/y;
const CHARACTER = skip("'", /'(?:\\(?:[^'\n]+|')|[\ud800-\udbff][\udc00-\udfff]|[^\\'\n])'/y, {
  operand: true,
});
const TICK = skip("'", /'+\w*/y);

export const HASKELL = language({
  first: [
    {
      starts: "[",
      match: /\[(?:[a-z][\w.]*)?\|(?!\|)/y,
      then: (scanner, [open]) =>
        void scanner.push(
          { kind: "quote", open: open, close: "|]", inside: prose() },
          scanner.index - open.length,
          open.length,
        ),
    },
    CHARACTER,
    TICK,
  ],
  lineComments: [/--+(?![!#$%&*+./<=>?@\\^|~:-])/y],
  blockComments: [{ open: "{-", close: "-}", nested: true }],
  strings: [STRING],
  word: PRIMED,
});
export const ELM = HASKELL;

const ML_COMMENT = { open: "(*", close: "*)", nested: true } as const;
export const OCAML = language({
  first: [
    CHARACTER,
    TICK,
    skip("(", /\(\*\)/y),
    {
      starts: "{",
      match: /\{([a-z_]*)\|/y,
      then: (scanner, [open, name]) =>
        void scanner.push(
          { kind: "quote", open: open, close: `|${name!}}`, inside: prose() },
          scanner.index - open.length,
          open.length,
        ),
    },
  ],
  blockComments: [ML_COMMENT],
  strings: [STRING],
  word: PRIMED,
});
export const FSHARP = language({
  first: [CHARACTER, TICK, skip("(", /\(\*\)/y)],
  lineComments: ["//"],
  blockComments: [ML_COMMENT],
  strings: [
    { starts: '$@"', open: /[$@]*"""/y, close: () => '"""', lines: true, escape: false },
    { starts: "@$", open: /(?:@|\$@|@\$)"/y, close: () => '"', lines: true, doubled: true, escape: false },
    {
      starts: "$",
      open: /\$"/y,
      close: () => '"',
      lines: true,
      escape: /\\[^]|\{\{/y,
      holes: [{ open: /\{(?!\{)/y, close: "}" }],
    },
    STRING,
    { starts: "`", open: /``/y, close: () => "``" },
  ],
  word: PRIMED,
});

export const LISP = language({
  first: [skip("#\\", /#?\\(?:\w+|[^])/y, { operand: true }), skip("|", /\|[^|\n]*\|/y)],
  lineComments: [";"],
  blockComments: [{ open: "#|", close: "|#", nested: true }],
  strings: [STRING],
});
export const CLOJURE = language({
  first: [skip("\\", /\\(?:\w+|[^])/y, { operand: true })],
  lineComments: [";"],
  strings: [STRING],
  word: /[\w'$\u0080-\uffff]+/y,
});
export const ERLANG = language({
  first: [skip("$", /\$(?:\\[^]|[^])/y, { operand: true })],
  lineComments: ["%"],
  strings: [STRING, { starts: "'", open: /'/y }],
});

/** Ada, VHDL: an apostrophe after a value asks for an attribute. */
export const ADA = language({
  first: [skip("'", /'/y, { when: ({ operand }) => operand }), skip("'", /'[^\n]'/y, { operand: true })],
  goesOn: true,
  lineComments: ["--"],
  blockComments: [{ open: "/*", close: "*/" }],
  strings: [{ starts: '"', open: /"/y, doubled: true, escape: false }],
});
export const PASCAL = language({
  goesOn: true,
  lineComments: ["//"],
  blockComments: [
    { open: "{", close: "}" },
    { open: "(*", close: "*)" },
  ],
  strings: [{ starts: "'", open: /'/y, doubled: true, escape: false }],
});
export const BASIC = language({
  lineComments: ["'", /\bREM\b/iy],
  strings: [{ starts: '"', open: /"/y, doubled: true, escape: false }],
});
export const FORTRAN = language({
  first: [skip("\\", BACKSLASH)],
  lineComments: ["!"],
  strings: [{ starts: "\"'", open: /["']/y, doubled: true, escape: false }],
});
