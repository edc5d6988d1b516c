/** Grammars that ship, by VS Code's language identifier: file names in the folder of grammars, without `tree-sitter-` and `.wasm`. */
const GRAMMARS: Readonly<Record<string, string>> = {
  typescript: "typescript",
  typescriptreact: "tsx",
  javascript: "javascript",
  javascriptreact: "javascript",
  python: "python",
  go: "go",
  java: "java",
  rust: "rust",
  c: "cpp",
  cpp: "cpp",
  csharp: "c-sharp",
  css: "css",
  php: "php",
  ruby: "ruby",
  shellscript: "bash",
};

export const grammarOf = (language: string): string | undefined => GRAMMARS[language];
