/** Words that begin and end blocks. */
interface Keywords {
  /** Global; each match begins a block. */
  readonly begin: RegExp;
  /** Global; each match ends one. */
  readonly end: RegExp;
}

const KEYWORDS: Readonly<Record<string, Keywords>> = {
  shellscript: {
    begin: /(?:^|[;&|({!]|\b(?:then|do|else))[ \t]*(?:if|case|for|while|until|select)(?=\s)/g,
    end: /(?:^|[\s;&|])(?:fi|esac|done)(?=[\s;)&|]|$)/g,
  },
  ruby: {
    begin:
      /^[ \t]*(?:def(?![ \t]+[\w.?!]+(?:\([^()]*\))?[ \t]*=[ \t])|class|module|if|unless|case|while|until|begin|for)\b|=[ \t]*(?:if|unless|case|begin)\b|^(?![ \t]*(?:while|until|for)\b).*\bdo(?:[ \t]*\|[^|\n]*\|)?[ \t]*$/g,
    end: /(?:^|;)[ \t]*end\b/g,
  },
  lua: { begin: /\b(?:function|if|do|repeat)\b/g, end: /\b(?:end|until)\b/g },
};

/** Whether words end blocks. */
export const hasKeywordBlocks = (language: string): boolean => KEYWORDS[language] !== undefined;

/** How many blocks more a line of code begins than it ends; 0 in languages whose blocks have signs or indentation. */
export function blocksBegun(line: string, language: string): number {
  const keywords = KEYWORDS[language];
  const count = (words: RegExp): number => line.match(words)?.length ?? 0;
  return keywords === undefined ? 0 : count(keywords.begin) - count(keywords.end);
}
