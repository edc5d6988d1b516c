import { BACKSLASH, language, lineComment, skip, type Hole, type Language, type Text } from "../build";

/** A number with whatever separates its digits. */
const NUMBER = skip("0123456789", /\d(?:'?[\w.])*/y, { operand: true });
const C_COMMENTS: Language = {
  goesOn: true,
  lineComments: ["//"],
  blockComments: [{ open: "/*", close: "*/" }],
};
const NESTED: Language = { ...C_COMMENTS, blockComments: [{ open: "/*", close: "*/", nested: true }] };
/** What the preprocessor is told: prose. */
const DIRECTIVE_TEXT =
  /(?<=^|\n)[ \t]*#[ \t]*(?:error|warning|region|endregion|pragma[ \t]+(?:message|region|endregion|mark))\b/y;

const DOUBLE: Text = { starts: '"', open: /"/y };
const SINGLE: Text = { starts: "'", open: /'/y };
const HOLE: Hole = { open: /\$\{/y, close: "}" };

export const C = language({
  ...C_COMMENTS,
  first: [
    lineComment(DIRECTIVE_TEXT),
    skip("#", /#[ \t]*include[ \t]*<[^>\n]*>/y),
    skip("\\", BACKSLASH),
    NUMBER,
  ],
  strings: [
    {
      starts: "RLuU",
      open: /(?:u8|[LuU])?R"([^\s()\\]{0,16})\(/y,
      close: ([, name]) => `)${name!}"`,
      lines: true,
      escape: false,
    },
    { starts: 'LuU"', open: /(?:u8|[LuU])?"/y },
    { starts: "LuU'", open: /(?:u8|[LuU])?'/y },
  ],
});

export const JAVA = language({
  ...C_COMMENTS,
  strings: [{ starts: '"', open: /"""/y, lines: true }, DOUBLE, SINGLE],
});

const BRACES: Hole = { open: /\{(?!\{)/y, close: "}" };
const INTERPOLATED = /\\[^]|\{\{/y;
export const CSHARP = language({
  ...C_COMMENTS,
  first: [lineComment(DIRECTIVE_TEXT)],
  strings: [
    {
      starts: '$"',
      open: /\$+"{3,}/y,
      close: ([open]) => open.replace(/^\$+/, ""),
      lines: true,
      escape: false,
    },
    { starts: '"', open: /"{3,}/y, close: ([open]) => open, lines: true, escape: false },
    {
      starts: "$@",
      open: /(?:\$@|@\$)"/y,
      close: () => '"',
      lines: true,
      doubled: true,
      escape: /\{\{/y,
      holes: [BRACES],
    },
    { starts: "@", open: /@"/y, close: () => '"', lines: true, doubled: true, escape: false },
    { starts: "$", open: /\$"/y, close: () => '"', escape: INTERPOLATED, holes: [BRACES] },
    DOUBLE,
    SINGLE,
  ],
});

export const GO = language({
  ...C_COMMENTS,
  strings: [DOUBLE, SINGLE, { starts: "`", open: /`/y, lines: true, escape: false }],
});

export const RUST = language({
  ...NESTED,
  first: [
    // A character, or else a lifetime or a label.
    skip("b'", /b?'(?:\\(?:u\{[^}\n]*\}|x[\da-fA-F]{2}|.)|[\ud800-\udbff][\udc00-\udfff]|[^\\'\n])'/y, {
      operand: true,
    }),
    skip("'", /'[A-Za-z_]\w*/y, { operand: true }),
    {
      starts: "'",
      match: /'/y,
      then: (scanner) => {
        scanner.wrong++;
        scanner.operand = true;
      },
    },
    skip("r", /r#(?=[A-Za-z_])\w+/y, { operand: true }),
  ],
  strings: [
    { starts: "rbc", open: /[bc]?r(#*)"/y, close: ([, hashes]) => `"${hashes!}`, lines: true, escape: false },
    { starts: 'bc"', open: /[bc]?"/y, lines: true },
  ],
});

export const KOTLIN = language({
  ...NESTED,
  strings: [
    { starts: '"', open: /"""/y, lines: true, escape: false, holes: [HOLE] },
    { ...DOUBLE, holes: [HOLE] },
    SINGLE,
    { starts: "`", open: /`/y },
  ],
});

export const SCALA = language({
  ...NESTED,
  first: [
    skip("'", /'(?:\\(?:u+[\da-fA-F]{4}|.)|[^\\'\n])'/y, { operand: true }),
    skip("'", /'\w*/y, { operand: true }),
  ],
  strings: [
    { starts: 'fsr"', open: /[a-z]*"""/y, lines: true, escape: false, holes: [HOLE] },
    { starts: 'fsr"', open: /[a-z]*"/y, holes: [HOLE] },
    { starts: "`", open: /`/y },
  ],
});

const swiftHole = (hashes: string): Hole => ({ open: new RegExp(`\\\\${hashes}\\(`, "y"), close: ")" });
export const SWIFT = language({
  ...NESTED,
  regex: true,
  keywords: /^(?:return|case|in|throw|else|try|await|is|as|where)$/,
  strings: [
    {
      starts: "#",
      open: /(#+)"(?:"")?/y,
      close: ([open, hashes]) => open.slice(hashes!.length) + hashes!,
      lines: true,
      escape: false,
      holes: [swiftHole("#")],
    },
    { starts: '"', open: /"""/y, lines: true, escape: /\\[^(]/y, holes: [swiftHole("")] },
    { ...DOUBLE, escape: /\\[^(]/y, holes: [swiftHole("")] },
    { starts: "`", open: /`/y },
  ],
});

export const DART = language({
  ...NESTED,
  strings: [
    { starts: "r", open: /r(?:'''|""")/y, lines: true, escape: false },
    { starts: "r", open: /r['"]/y, escape: false },
    { starts: "\"'", open: /'''|"""/y, lines: true, holes: [HOLE] },
    { starts: "\"'", open: /["']/y, holes: [HOLE] },
  ],
});

export const GROOVY = language({
  ...C_COMMENTS,
  regex: true,
  strings: [
    { starts: "'", open: /'''/y, lines: true },
    { starts: '"', open: /"""/y, lines: true, holes: [HOLE] },
    { ...DOUBLE, holes: [HOLE] },
    SINGLE,
    { starts: "$", open: /\$\//y, close: () => "/$", lines: true, escape: false, holes: [HOLE] },
  ],
});

export const ZIG = language({
  goesOn: true,
  lineComments: ["//"],
  first: [lineComment(/\\\\/y)],
  strings: [DOUBLE, SINGLE],
});

/** JSON with or without comments, protocol buffers, GraphQL-like notations. */
export const JSONC = language({ ...C_COMMENTS, strings: [DOUBLE, SINGLE] });

/** `4'b1010`, `'0`, `'{`. */
export const VERILOG = language({
  ...C_COMMENTS,
  first: [
    skip("0123456789'", /(?:\d[\d_]*\s*)?'(?:[sS]?[bodhBODH]\s*[\w?]+|[01xzXZ](?!\w)|(?=[{(]))/y, {
      operand: true,
    }),
    skip("`", /`\w*/y),
  ],
  strings: [DOUBLE],
});

/** Of a language that nobody knows: the comments and strings that most have, read with care. */
export const UNKNOWN = language({
  goesOn: true,
  first: [lineComment(/(?<![:\w])\/\//y), skip("\\", BACKSLASH)],
  blockComments: [{ open: "/*", close: "*/" }],
  strings: [
    {
      starts: "\"'`",
      // One that nothing ends on its line is none, unless the text goes on there.
      open: /(["'`])(?=(?:(?!\1)[^\\\n]|\\.)*(?:\1|\\?$))/y,
      when: ({ text, index }) => text.charAt(index) !== "'" || !/[\p{L}\p{N}_]/u.test(text.charAt(index - 1)),
    },
  ],
});
