import { BACKSLASH, language, skip, type Language } from "../build";

export const JAVASCRIPT: Language = {
  goesOn: true,
  first: [skip("#", /(?<=^)#!.*/y), skip("+-", /\+\+|--/y, { operand: true }), skip("\\", BACKSLASH)],
  lineComments: ["//"],
  blockComments: [{ open: "/*", close: "*/" }],
  strings: [
    { starts: "\"'", open: /["']/y },
    { starts: "`", open: /`/y, lines: true, holes: [{ open: /\$\{/y, close: "}" }] },
  ],
  regex: true,
  keywords:
    /^(?:return|typeof|case|in|of|delete|void|throw|new|else|do|instanceof|yield|await|default|extends|export|as|satisfies|keyof)$/,
};
export const JAVASCRIPT_CODE = language(JAVASCRIPT);
