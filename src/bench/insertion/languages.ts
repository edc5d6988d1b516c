import path from "node:path";

/** Extensions, and whole names, by VS Code's language identifier. */
const FILES: Readonly<Record<string, string>> = {
  typescript: ".ts .mts .cts",
  typescriptreact: ".tsx",
  javascript: ".js .mjs .cjs",
  javascriptreact: ".jsx",
  python: ".py .pyi",
  rust: ".rs",
  go: ".go",
  c: ".c",
  cpp: ".h .cpp .cc .hpp .cxx",
  java: ".java",
  csharp: ".cs",
  php: ".php",
  ruby: ".rb",
  shellscript: ".sh .bash",
  html: ".html .htm",
  css: ".css",
  scss: ".scss",
  json: ".json",
  yaml: ".yaml .yml",
  toml: ".toml",
  sql: ".sql",
  makefile: ".mk makefile",
  latex: ".tex",
  lua: ".lua",
  haskell: ".hs",
  perl: ".pm .pl",
  kotlin: ".kt",
  swift: ".swift",
  dart: ".dart",
  scala: ".scala",
  julia: ".jl",
};
const BY_NAME = new Map(
  Object.entries(FILES).flatMap(([language, names]) =>
    names.split(" ").map((name) => [name, language] as const),
  ),
);

/** The language of a file by its name; undefined for one that is not known. */
export const languageOfFile = (file: string): string | undefined =>
  BY_NAME.get(path.extname(file).toLowerCase()) ?? BY_NAME.get(path.basename(file).toLowerCase());
