/** Languages in which a line ends a statement, a colon ends the header of a block, and `#` begins a comment. */
const LINE_LANGUAGES = new Set([
  "python",
  "ruby",
  "shellscript",
  "yaml",
  "toml",
  "r",
  "perl",
  "makefile",
  "dockerfile",
  "elixir",
  "julia",
  "powershell",
]);

export const endsWithLine = (language: string | undefined): boolean => LINE_LANGUAGES.has(language ?? "");
