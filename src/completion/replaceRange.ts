const OPENERS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
const QUOTES = "\"'`";

/**
 * How much of the line to the right of the cursor a completion replaces. Editors close brackets and quotes by themselves; a model that
 * writes the closer too would leave two. Whatever `text` closes without having opened it, and that stands right of the cursor, is replaced.
 * @param text the completion
 * @param right the rest of the line after the cursor
 * @param left the line before the cursor (tells whether a quote is open)
 * @returns code units of `right` to replace, from the cursor on
 */
export function replacedLength(text: string, right: string, left = ""): number {
  const closers = /^[)\]}>"'`]*/.exec(right)?.[0] ?? "";
  if (closers === "") {
    return afterText(text, right, 0);
  }
  let matched = 0;
  let after = 0;
  const quote = openQuote(left);
  for (const { char, index } of unopenedClosers(text, closers.includes(quote) ? quote : "")) {
    if (closers.charAt(matched) !== char) {
      break;
    }
    matched++;
    after = index + 1;
  }
  return matched === 0 ? 0 : matched + afterText(text.slice(after), right.slice(matched), matched);
}

/** What follows the replaced closers (`;`, ` {`) is replaced too when the completion goes on with the same. */
function afterText(text: string, right: string, matched: number): number {
  const rest = right.trimEnd();
  if (rest === "" || (matched === 0 && !/^\s*[:{;,]$/.test(rest))) {
    return rest === "" && matched > 0 ? right.length : 0;
  }
  const line = text.split("\n", 1)[0]!;
  const here =
    line.startsWith(rest) || (matched === 0 && line.trimEnd().endsWith(rest) && line.trim() !== "");
  return here ? right.length : 0;
}

function* unopenedClosers(text: string, outer: string): Generator<{ char: string; index: number }> {
  const open: string[] = [];
  let quote = outer;
  let outerQuote = outer !== "";
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index);
    if (char === "\\") {
      index++;
    } else if (quote !== "") {
      if (char === quote) {
        if (outerQuote) {
          yield { char, index };
        }
        quote = "";
        outerQuote = false;
      }
    } else if (QUOTES.includes(char)) {
      quote = char;
    } else if (OPENERS[char] !== undefined) {
      open.push(OPENERS[char]);
    } else if (")]}".includes(char)) {
      if (open.at(-1) === char) {
        open.pop();
      } else {
        yield { char, index };
      }
    }
  }
}

/** The quote that is open at the end of `line`, or "" (also within `${` of a template string). */
export function openQuote(line: string): string {
  const inner = openQuotes(line).at(-1) ?? "";
  return inner === "}" ? "" : inner;
}

/** What closes the quotes, and the `${` of template strings, that are open at the end of `line`; innermost last. */
export function openQuotes(line: string): string[] {
  const open: string[] = [];
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    const inner = open.at(-1) ?? "";
    if (char === "\\") {
      i++;
    } else if (inner === "`" && line.startsWith("${", i)) {
      open.push("}");
      i++;
    } else if (char === inner) {
      open.pop();
    } else if ((inner === "" || inner === "}") && QUOTES.includes(char)) {
      open.push(char);
    }
  }
  return open;
}
