import {
  BACKSLASH,
  language,
  lineComment,
  prose,
  pushBracket,
  skip,
  type Hole,
  type Language,
  type Text,
} from "../build";
import { mode, type Mode, type Rule } from "../mode";
import type { Scanner } from "../scanner";

const HASH: Language = { lineComments: ["#"] };

/** Python. In what an f-string computes there are no comments; `#` is a format. */
const PYTHON_STRINGS = (inside: () => Mode): readonly Text[] => {
  const holes: readonly Hole[] = [{ open: /\{(?!\{)/y, close: "}", inside }];
  const computed = { escape: /\\[^]|\{\{/y, holes };
  return [
    { starts: "fFrRtT", open: /(?:[ft]r?|r[ft])(?:"""|''')/iy, lines: true, ...computed },
    { starts: "fFrRtT", open: /(?:[ft]r?|r[ft])["']/iy, ...computed },
    { starts: "rRbBuU\"'", open: /(?:br?|rb?|u)?(?:"""|''')/iy, lines: true },
    { starts: "rRbBuU\"'", open: /(?:br?|rb?|u)?["']/iy },
  ];
};
const PYTHON_HOLE: Mode = language({ strings: PYTHON_STRINGS(() => PYTHON_HOLE) });
export const PYTHON = language({
  ...HASH,
  first: [skip("\\", BACKSLASH)],
  strings: PYTHON_STRINGS(() => PYTHON_HOLE),
});

const COMPUTED: Hole = { open: /#\{/y, close: "}" };
const PARTNER: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "<": ">" };
const delimited = (open: string): string => PARTNER[open.slice(-1)] ?? open.slice(-1);

/** A text between signs of one's choice, in which pairs of the same sign are paired. */
function freely(match: RegExp, holes: readonly Hole[], code: () => Mode): Rule {
  const insides = new Map<string, Mode>();
  const insideOf = (open: string): Mode => {
    const known = insides.get(open);
    if (known !== undefined) {
      return known;
    }
    const partner = PARTNER[open];
    const made = prose([
      skip("\\", BACKSLASH),
      ...holes.map((hole): Rule => ({
        starts: "",
        match: hole.open,
        then: (scanner, [said]) => pushBracket(scanner, said, code(), hole.close),
      })),
      ...(partner === undefined
        ? []
        : [
            {
              starts: open,
              match: new RegExp(`\\${open}`, "y"),
              then: (scanner: Scanner) =>
                void scanner.push(
                  { kind: "quote", open, close: partner, inside: made },
                  scanner.index - 1,
                  1,
                ),
            },
          ]),
    ]);
    insides.set(open, made);
    return made;
  };
  return {
    starts: match.source.startsWith("%") ? "%" : "",
    match,
    then: (scanner, [open]) =>
      void scanner.push(
        { kind: "quote", open: open, close: delimited(open), inside: insideOf(open.slice(-1)) },
        scanner.index - open.length,
        open.length,
      ),
  };
}

function rubyHeredoc(scanner: Scanner, [said, , quote, name]: RegExpExecArray): void {
  const inside = quote === "'" ? prose() : RUBY_HEREDOC;
  scanner.pending = [...scanner.pending, { kind: "lines", open: said, close: name!, inside }];
  scanner.operand = true;
}
const linesFrom = (starts: string, match: RegExp, close: string): Rule => ({
  starts,
  match,
  then: (scanner, [open]) =>
    void scanner.push(
      { kind: "lines", open: open, close, inside: prose() },
      scanner.index - open.length,
      open.length,
    ),
});
const RUBY_KEYWORDS =
  /^(?:return|if|unless|elsif|while|until|when|case|and|or|not|then|do|in|else|puts|print|raise|yield|begin|match|split|gsub|gsub!|sub|sub!|scan|grep|assert_match)$/;
export const RUBY: Mode = language({
  first: [
    linesFrom("=", /(?<=^|\n)=begin\b/y, "=end"),
    linesFrom("_", /(?<=^|\n)__END__(?=\n|$)/y, "\u0000"),
    { starts: "<", match: /<<([~-])(["'`]?)([A-Za-z_]\w*)\2/y, then: rubyHeredoc },
    {
      starts: "<",
      match: /<<()(["'`]?)([A-Z_]\w*)\2/y,
      when: ({ operand, text, index }) =>
        !operand || (text.charAt(index - 1) === " " && text.charAt(index + 2) !== " "),
      then: rubyHeredoc,
    },
    skip("?", /\?(?:\\.|[^\s\w]|\w(?!\w))/y, { when: ({ operand }) => !operand, operand: true }),
    skip("$", /\$(?:[^\s\w]|\d)/y, { operand: true }),
    skip(":", /::?(?=["'])|:(?:\[\]=?|[!?<>=+\-*/%&|^~]+)(?=[\s,)\]])/y),
    skip(".", /\.[A-Za-z_]\w*[?!]?/y, { operand: true }),
    freely(/%[QWIxr][([{<|!/%^-]|(?<=\s)%[([{<](?! )/y, [COMPUTED], () => RUBY),
    { ...freely(/%[([{<|!/^-]/y, [COMPUTED], () => RUBY), when: ({ operand }) => !operand },
    freely(/%[qwis][([{<|!/^-]/y, [], () => RUBY),
    {
      // One that may take several lines.
      starts: "/",
      match: /(?<!\}\s*)\//y,
      when: ({ operand }) => !operand,
      then: (scanner) =>
        void scanner.push({ kind: "quote", open: "/", close: "/", inside: RUBY_REGEX }, scanner.index - 1, 1),
    },
    {
      // `split /,/`
      starts: "/",
      match: /(?<=\w )\/(?=[^\s=/](?:[^/\\\n]|\\.)*\/)/y,
      when: ({ operand }) => operand,
      then: (scanner) =>
        void scanner.push(
          { kind: "quote", open: "/", close: "/", inside: RUBY_REGEX, endsWithLine: true },
          scanner.index - 1,
          1,
        ),
    },
  ],
  lineComments: ["#"],
  strings: [
    { starts: '"`', open: /["`]/y, lines: true, holes: [COMPUTED] },
    { starts: "'", open: /'/y, lines: true },
  ],
  word: /[\w\u0080-\uffff]+[?!]?(?!=)|[\w\u0080-\uffff]+|@@?|\$\w+/y,
  keywords: RUBY_KEYWORDS,
});
const inRuby = (open: RegExp): Rule => ({
  starts: "#",
  match: open,
  then: (scanner, [said]) => pushBracket(scanner, said, RUBY, "}"),
});
const RUBY_HEREDOC: Mode = prose([skip("\\", BACKSLASH), inRuby(/#\{/y)]);
const RUBY_REGEX: Mode = prose([skip("\\", BACKSLASH), inRuby(/#\{/y)]);

/** Shell: words as they come, texts with commands in them. */
const WORD_BEGINS = /(?<![^\s;|&()<>`])#/y;
const AT_COMMAND = /(?:^|[;|&(){}`!\n]|\b(?:then|do|else|elif|if|while|until|time|esac))[ \t]*$/;
const atCommand = ({ text, index }: Scanner): boolean => {
  const line = text.slice(Math.max(text.lastIndexOf("\n", index - 1) + 1, index - 200), index);
  return AT_COMMAND.test(line);
};
const pushed =
  (inside: () => Mode, close: string): NonNullable<Rule["then"]> =>
  (scanner, [open]) => {
    pushBracket(scanner, open, inside(), close);
    scanner.operand = false;
  };
/** The scanner stands after `((`. */
function pushArithmetic(scanner: Scanner): void {
  for (const at of [scanner.index - 2, scanner.index - 1]) {
    scanner.push({ kind: "bracket", open: "(", close: ")", inside: ARITHMETIC }, at, 1);
  }
}
/** `$(…)`, `$((…))`, `${…}` and commands between back quotes. */
const substitutions = (parameter: () => Mode): readonly Rule[] => [
  {
    starts: "$",
    match: /\$\(\((?!\()/y,
    then: pushArithmetic,
  },
  { starts: "$", match: /\$\(/y, then: pushed(() => SHELL, ")") },
  { starts: "$", match: /\$\{/y, then: pushed(parameter, "}") },
  skip("$", /\$[\w#?$!*@-]/y, { operand: true }),
  {
    starts: "`",
    match: /`/y,
    then: (scanner) =>
      void scanner.push({ kind: "quote", open: "`", close: "`", inside: SHELL }, scanner.index - 1, 1),
  },
];
const SHELL_DOUBLE: Mode = prose([skip("\\", BACKSLASH), ...substitutions(() => PARAMETER_IN_TEXT)]);
const string = (match: RegExp, close: string, inside: Mode): Rule => ({
  starts: match.source.startsWith("\\$") ? "$" : close,
  match,
  then: (scanner, [open]) => {
    scanner.push({ kind: "quote", open: open, close, inside }, scanner.index - open.length, open.length);
  },
});
const RAW = prose();
const ESCAPED = prose([skip("\\", BACKSLASH)]);
const SHELL_STRINGS: readonly Rule[] = [
  string(/\$'/y, "'", ESCAPED),
  string(/'/y, "'", RAW),
  string(/\$"/y, '"', SHELL_DOUBLE),
  string(/"/y, '"', SHELL_DOUBLE),
];
const BRACE_END: Rule = { starts: "}", match: /\}/y, then: (scanner) => scanner.closePair("}") };
/** Characters of an array's name that are looked at. */
const MAX_NAME = 60;
/** Of an array, right after its name: elsewhere in a parameter brackets are patterns. */
const SUBSCRIPT: readonly Rule[] = [
  {
    starts: "[",
    match: /\[/y,
    when: ({ top, text, index }) =>
      top?.close === "]" || /\$\{[!#]?\w+$/.test(text.slice(Math.max(0, index - MAX_NAME), index)),
    then: (scanner) => pushBracket(scanner, "[", scanner.mode),
  },
  {
    starts: "]",
    match: /\]/y,
    when: ({ top }) => top?.close === "]",
    then: (scanner) => scanner.closePair("]"),
  },
];
const PARAMETER: Mode = mode([
  skip("\\", BACKSLASH),
  ...SUBSCRIPT,
  ...SHELL_STRINGS,
  ...substitutions(() => PARAMETER),
  BRACE_END,
]);
const PARAMETER_IN_TEXT: Mode = mode([
  skip("\\", BACKSLASH),
  ...SUBSCRIPT,
  string(/"/y, '"', SHELL_DOUBLE),
  ...substitutions(() => PARAMETER_IN_TEXT),
  BRACE_END,
]);
const ARITHMETIC: Mode = language({
  first: [skip("\\", BACKSLASH), ...substitutions(() => PARAMETER)],
  strings: [],
});

/** A pattern of a case: `*.c|*.h)`. */
const PATTERN =
  /(?:^|;;&?|\bin)[ \t]*(?:\|[ \t]*)?(?:"[^"\n]*"|'[^'\n]*'|[^\s()|;&]|\\.|\([^()\n]*\)|[ \t]*\|[ \t]*)+[ \t]*$/;

export const SHELL: Mode = language({
  first: [
    skip("\\", BACKSLASH),
    {
      starts: "<",
      match: /<<(-?)[ \t]*(?:(["'])([^"'\n]+)\2|\\?([A-Za-z_]\w*))/y,
      when: ({ text, index }) => !text.startsWith("<<<", index) && text.charAt(index - 1) !== "<",
      then: (scanner, [said, , quote, quoted, bare]) => {
        const literal = quote !== undefined || said.includes("\\");
        const inside = literal ? RAW : SHELL_DOUBLE;
        scanner.pending = [
          ...scanner.pending,
          { kind: "lines", open: said, close: (quoted ?? bare)!, inside },
        ];
      },
    },
    {
      starts: "(",
      match: /\(\((?!\()/y,
      when: atCommand,
      then: pushArithmetic,
    },
    ...SHELL_STRINGS,
    ...substitutions(() => PARAMETER),
    lineComment(WORD_BEGINS),
    {
      starts: "c",
      match: /case(?=\s)/y,
      when: atCommand,
      then: (scanner) =>
        void scanner.push({ kind: "case", open: "case", close: "esac", inside: SHELL }, scanner.index - 4, 4),
    },
    {
      starts: "e",
      match: /esac\b/y,
      when: (scanner) => scanner.top?.kind === "case" && atCommand(scanner),
      then: (scanner) => {
        scanner.index -= 4;
        scanner.close(scanner.top!, 4);
      },
    },
    {
      starts: ")",
      match: /\)/y,
      when: ({ top, text, index }) => {
        if (top?.kind === "bracket" && top.close === ")") {
          return false;
        }
        const line = text.slice(text.lastIndexOf("\n", index - 1) + 1, index);
        // Without its case it is told by its looks.
        const alone = top === undefined || (top.kind === "bracket" && top.close === "}");
        return (alone ? !line.includes("(") : top.kind === "case") && PATTERN.test(line);
      },
      then: (scanner) => {
        scanner.operand = false;
      },
    },
  ],
  word: /[\w\u0080-\uffff][\w\u0080-\uffff.,:@%+/~^-]*(?:#[\w]+)?/y,
});

/** Recipes are shell, and what is above them is not quoted. */
const MAKE_REFERENCE: Rule = {
  starts: "$",
  match: /\$[({]/y,
  then: (scanner, [open]) => {
    pushBracket(scanner, open, IN_REFERENCE);
  },
};
const IN_REFERENCE: Mode = prose([
  MAKE_REFERENCE,
  skip("\\", BACKSLASH),
  skip("$", /\$\$?/y),
  { starts: "(", match: /\(/y, then: (scanner) => pushBracket(scanner, "(", scanner.mode, ")", true) },
]);
const MAKE_COMMENT: Rule = lineComment(/(?<!\\)#/y);
export const MAKEFILE: Mode = prose([
  skip("$", /\$\$(?:\{[^{}\n]*\}|\(\(|[\w#?$!*@-])?/y),
  MAKE_REFERENCE,
  skip("\\", BACKSLASH),
  {
    ...MAKE_COMMENT,
    starts: "#",
    when: ({ text, index }) =>
      !/\n\t[^\n]*\S$/.test(`\n${text.slice(text.lastIndexOf("\n", index - 1) + 1, index)}`),
  },
]);

const PERL_PAIRS: readonly Rule[] = [
  linesFrom("=", /(?<=^|\n)=(?:pod|head\d|over|item|begin|for|encoding)\b/y, "=cut"),
  linesFrom("_", /(?<=^|\n)__(?:END|DATA)__(?=\n|$)/y, "\u0000"),
  {
    starts: "<",
    match: /<<(~?)(?:(["'])([^"'\n]*)\2|([A-Z_a-z]\w*))/y,
    then: (scanner, [said, , quote, quoted, bare]) => {
      const inside = quote === "'" ? RAW : ESCAPED;
      scanner.pending = [...scanner.pending, { kind: "lines", open: said, close: (quoted ?? bare)!, inside }];
      scanner.operand = true;
    },
  },
  skip("$@%", /\$#?(?:\{\^?\w+\}|\^?\w+)|\$#?(?=[{$])|\$[^\w\s);]|[@%](?:\w+|(?=[{$]))/y, { operand: true }),
  skip("-=", /-?\b[\w]+(?=\s*=>)|->|=>/y),
];
const PERL_QUOTES =
  /(?<![\w$@%>&-])(?:qw|qq|qr|qx|q|m|tr|y|s)(?:\s*(?=[^\w\s,;=)#])|\s+(?=\w(?!\w)))[^\w\s]/y;
/** What `s{…}{…}`, `tr(…)(…)` and the like replace, up to what opens what they replace it by. */
const PERL_FIRST_HALF = [...Object.entries(PARTNER)].map(([open, close]) => {
  const [o, c] = [`\\${open}`, `\\${close}`];
  const plain = `[^${o}${c}\\\\]|\\\\[^]`;
  const nested = `${o}(?:${plain})*${c}`;
  return `${o}(?:${plain}|${nested})*${c}\\s*[^\\w\\s]`;
});
const PERL_TWO_PAIRS = new RegExp(`(?<![\\w$@%>&-])(?:tr|y|s)\\s*(?:${PERL_FIRST_HALF.join("|")})`, "y");
export const PERL: Mode = language({
  first: [
    ...PERL_PAIRS,
    {
      starts: "tys",
      match: PERL_TWO_PAIRS,
      then: (scanner, [open]) => {
        const delimiter = open.slice(-1);
        const close = PARTNER[delimiter] ?? delimiter;
        const inside = insideOfPerl(delimiter);
        scanner.push({ kind: "quote", open: delimiter, close, inside }, scanner.index - 1, 1);
      },
    },
    {
      starts: "qmtys",
      match: PERL_QUOTES,
      when: ({ text, index }) => !/^\w+\s*=>/.test(text.slice(index, index + 12)),
      then: (scanner, [open]) => {
        const delimiter = open.slice(-1);
        const close = PARTNER[delimiter] ?? delimiter;
        const two = /^(?:tr|y|s)/.test(open);
        const at = scanner.index - open.length;
        const inside = insideOfPerl(delimiter);
        if (two && PARTNER[delimiter] === undefined) {
          scanner.push({ kind: "quote", open: open, close, inside: RAW_ESCAPED }, at, open.length);
        }
        scanner.push({ kind: "quote", open: open, close, inside }, at, open.length);
      },
    },
  ],
  lineComments: [/#/y],
  strings: [
    { starts: '"`', open: /["`]/y, lines: true },
    { starts: "'", open: /(?<!\w)'/y, lines: true },
  ],
  regex: true,
  keywords:
    /^(?:return|and|or|not|if|unless|while|until|split|grep|map|join|x|lt|gt|le|ge|eq|ne|cmp|push|print)$/,
});
const RAW_ESCAPED = mode([skip("\\", BACKSLASH)], { text: true });
const PERL_NESTED: Readonly<Record<string, Mode>> = Object.fromEntries(
  Object.entries(PARTNER).map(([open, close]) => {
    const inside: Mode = mode(
      [
        skip("\\", BACKSLASH),
        {
          starts: open,
          match: new RegExp(`\\${open}`, "y"),
          then: (scanner) => void scanner.push({ kind: "quote", open, close, inside }, scanner.index - 1, 1),
        },
      ],
      { text: true },
    );
    return [open, inside];
  }),
);
const insideOfPerl = (delimiter: string): Mode => PERL_NESTED[delimiter] ?? RAW_ESCAPED;

const LUA_LONG = (comment: boolean): Rule => ({
  starts: comment ? "-" : "[",
  match: comment ? /--\[(=*)\[/y : /\[(=*)\[/y,
  then: (scanner, [open, level]) =>
    void scanner.push(
      { kind: comment ? "comment" : "quote", open: open, close: `]${level!}]`, inside: RAW },
      scanner.index - open.length,
      open.length,
    ),
});
export const LUA = language({
  goesOn: true,
  first: [LUA_LONG(true), LUA_LONG(false)],
  lineComments: ["--"],
  strings: [{ starts: "\"'", open: /["']/y, escape: /\\(?:z\s*|[^])/y }],
});

/** After a value an apostrophe transposes. */
const TRANSPOSE = skip("'", /'+/y, { when: ({ operand }) => operand, operand: true });
export const JULIA = language({
  first: [TRANSPOSE, skip("'", /'(?:\\[^']*'?|[\ud800-\udbff][\udc00-\udfff]|[^'\n])'/y, { operand: true })],
  blockComments: [{ open: "#=", close: "=#", nested: true }],
  lineComments: ["#"],
  strings: [
    {
      starts: `abcdefghijklmnopqrstuvwxyz"`,
      open: /[a-z]*"""/y,
      lines: true,
      holes: [{ open: /\$\(/y, close: ")" }],
    },
    {
      starts: `abcdefghijklmnopqrstuvwxyz"`,
      open: /[a-z]*"/y,
      lines: true,
      holes: [{ open: /\$\(/y, close: ")" }],
    },
    { starts: "`", open: /`/y, lines: true },
  ],
});
export const MATLAB = language({
  first: [
    TRANSPOSE,
    skip(".", /\.'+/y, { operand: true }),
    lineComment(/\.\.\.(?=.*\n)/y),
    {
      starts: "%",
      match: /(?<=^[ \t]*|\n[ \t]*)%\{[ \t]*(?=\n)/y,
      then: (scanner, [open]) =>
        void scanner.push(
          { kind: "lines", open: open, close: "%}", inside: RAW },
          scanner.index - open.length,
          open.length,
        ),
    },
  ],
  lineComments: ["%"],
  strings: [
    { starts: "'", open: /'/y, doubled: true, escape: false },
    { starts: '"', open: /"/y, doubled: true, escape: false },
  ],
});
export const R = language({
  ...HASH,
  strings: [
    {
      starts: "rR",
      open: /[rR](["'])(-*)[([{]/y,
      close: ([open, quote, dashes]) => `${PARTNER[open.slice(-1)]!}${dashes!}${quote!}`,
      lines: true,
      escape: false,
    },
    { starts: "\"'`", open: /["'`]/y, lines: true },
  ],
  word: /[\w.\u0080-\uffff]+/y,
});
const BACK_QUOTED = /`[^]/y;
const DOLLAR: Hole = { open: /\$\(/y, close: ")" };
export const POWERSHELL = language({
  first: [skip("`", BACK_QUOTED), skip("$", /\$(?:\{[^}\n]*\}|[\w:]+|[$?^])/y, { operand: true })],
  blockComments: [{ open: "<#", close: "#>" }],
  lineComments: [/(?<![\w`])#/y],
  strings: [
    {
      starts: "@",
      open: /@"(?=[ \t]*\n)/y,
      close: () => '\n"@',
      lines: true,
      escape: BACK_QUOTED,
      holes: [DOLLAR],
    },
    { starts: "@", open: /@'(?=[ \t]*\n)/y, close: () => "\n'@", lines: true, escape: false },
    { starts: '"', open: /"/y, lines: true, doubled: true, escape: BACK_QUOTED, holes: [DOLLAR] },
    { starts: "'", open: /'/y, lines: true, doubled: true, escape: false },
  ],
});
export const ELIXIR = language({
  first: [
    skip("?", /\?(?:\\.|[^\s])/y, { when: ({ operand }) => !operand, operand: true }),
    { ...freely(/~[a-z][([{<|/"']/y, [COMPUTED], () => ELIXIR), starts: "~" },
    { ...freely(/~[A-Z]+[([{<|/"']/y, [], () => ELIXIR), starts: "~" },
  ],
  lineComments: ["#"],
  strings: [
    { starts: "\"'", open: /"""|'''/y, lines: true, holes: [COMPUTED] },
    { starts: "\"'", open: /["']/y, lines: true, holes: [COMPUTED] },
  ],
  word: /[\w\u0080-\uffff]+[?!]?/y,
});
export const COFFEESCRIPT = language({
  ...HASH,
  // `replace /,/, ""`
  first: [
    skip("/", /(?<=\w )\/(?=[^\s=/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])*\/\w*/y, { operand: true }),
  ],
  blockComments: [{ open: "###", close: "###" }],
  regex: true,
  strings: [
    { starts: "\"'", open: /"""|'''/y, lines: true, holes: [COMPUTED] },
    { starts: '"', open: /"/y, lines: true, holes: [COMPUTED] },
    { starts: "'", open: /'/y, lines: true },
  ],
  keywords: /^(?:return|if|unless|while|until|when|and|or|not|then|in|of|else|is|isnt)$/,
});
/** Nim, and what else has hash comments and double quotes. */
export const NIM = language({
  ...HASH,
  first: [skip("0123456789", /\d[\w.']*/y, { operand: true })],
  blockComments: [{ open: "#[", close: "]#", nested: true }],
  strings: [
    { starts: `abcdefghijklmnopqrstuvwxyz"`, open: /[a-z]*"""/y, lines: true, escape: false },
    { starts: "r", open: /r"/y, doubled: true, escape: false },
    { starts: '"', open: /"/y },
    { starts: "'", open: /'/y },
  ],
});
