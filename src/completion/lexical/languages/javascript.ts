import { blockComment, language, lineComment, prose, pushBracket, skip } from "../build";
import type { Mode, Rule } from "../mode";
import { JAVASCRIPT, JAVASCRIPT_CODE } from "./javascriptCode";
import { tags } from "./markup";

export const TYPESCRIPT = JAVASCRIPT_CODE;

/** `{…}` in a tag or between tags. */
const HOLE: Rule = {
  starts: "{",
  match: /\{/y,
  then: (scanner, [open]) => {
    pushBracket(scanner, open, JSX);
    scanner.operand = false;
  },
};
/** `<T, U<V>>` after the name of a component. */
const TYPE_ARGUMENTS = skip("<", /(?<=[\w$])<[^<>(){};]*(?:<[^<>(){};]*>[^<>(){};]*)*>/y);
/** `{…}` that is closed twice. */
const STRAY: Rule = { starts: "}", match: /\}/y, then: (scanner) => scanner.stray("}", scanner.index - 1) };
/** What stands in a tag besides attributes. */
const IN_TAG: readonly Rule[] = [
  HOLE,
  STRAY,
  TYPE_ARGUMENTS,
  lineComment("//"),
  blockComment({ open: "/*", close: "*/" }),
];
/** `<` and a name where a value may begin, unless it is a list of type parameters. */
const START =
  /<(?=>|[A-Za-z_$][\w.:$-]*(?:[\s/>]|$|<[^(){};=]*>[\s/>]))(?![A-Z]\w*\s*(?:,|extends\b|=|>\s*\())(?:>|[A-Za-z_$][\w.:$-]*)?/y;
const CONTENT_TAGS = tags(/<(?:>|[A-Za-z_$][\w.:$-]*)/y, () => CONTENT, { markup: false, holes: IN_TAG });
const CONTENT: Mode = prose([HOLE, CONTENT_TAGS.end, CONTENT_TAGS.begin, CONTENT_TAGS.stray]);
const CODE_TAGS = tags(START, () => CONTENT, {
  markup: false,
  holes: IN_TAG,
  when: ({ operand }) => !operand,
});
/** TSX, and JavaScript, which may always have JSX in it. */
export const JSX: Mode = language({ ...JAVASCRIPT, first: [CODE_TAGS.begin, ...JAVASCRIPT.first!] });
