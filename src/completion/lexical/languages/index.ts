import type { Mode } from "../mode";
import { PROSE } from "../build";
import * as c from "./cLike";
import * as data from "./data";
import * as functional from "./functional";
import { JSX, TYPESCRIPT } from "./javascript";
import * as markup from "./markup";
import * as scripting from "./scripting";

/** How text is read, by VS Code's language identifiers. */
const LANGUAGES: readonly (readonly [mode: Mode, identifiers: string])[] = [
  [TYPESCRIPT, "typescript"],
  [JSX, "typescriptreact javascript javascriptreact"],
  [c.C, "c cpp cuda-cpp cuda objective-c objective-cpp objectivec arduino glsl hlsl shaderlab opencl"],
  [c.JAVA, "java"],
  [c.CSHARP, "csharp"],
  [c.GO, "go"],
  [c.RUST, "rust"],
  [c.KOTLIN, "kotlin"],
  [c.SCALA, "scala"],
  [c.SWIFT, "swift"],
  [c.DART, "dart"],
  [c.GROOVY, "groovy gradle"],
  [c.ZIG, "zig"],
  [c.JSONC, "json jsonc jsonl json5 proto proto3 protobuf solidity thrift"],
  [c.VERILOG, "verilog systemverilog"],
  [scripting.PYTHON, "python cython starlark bazel snakemake"],
  [scripting.RUBY, "ruby crystal"],
  [scripting.SHELL, "shellscript bash zsh sh fish ksh"],
  [scripting.MAKEFILE, "makefile"],
  [scripting.PERL, "perl perl6 raku"],
  [scripting.LUA, "lua luau"],
  [scripting.JULIA, "julia"],
  [scripting.MATLAB, "matlab octave"],
  [scripting.R, "r"],
  [scripting.POWERSHELL, "powershell"],
  [scripting.ELIXIR, "elixir"],
  [scripting.COFFEESCRIPT, "coffeescript"],
  [scripting.NIM, "nim"],
  [markup.PHP, "php"],
  [
    markup.HTML,
    "html vue svelte astro erb html-erb handlebars mustache jinja jinja-html django-html django twig liquid ejs blade nunjucks razor aspnetcorerazor",
  ],
  [markup.XML, "xml xsl svg dtd xaml"],
  [markup.CSS, "css"],
  [markup.SCSS, "scss less sass stylus postcss"],
  [markup.LATEX, "latex tex bibtex doctex latex-expl3"],
  [markup.MARKDOWN, "markdown quarto mdx rmd asciidoc restructuredtext"],
  [PROSE, "plaintext log scminput search-result git-commit diff csv tsv"],
  [data.YAML, "yaml dockercompose github-actions-workflow ansible home-assistant helm"],
  [data.TOML, "toml"],
  [data.SQL, "sql mysql postgres pgsql plsql sqlite tsql mssql"],
  [data.INI, "ini properties editorconfig ignore dotenv gitconfig"],
  [data.DOCKERFILE, "dockerfile"],
  [data.CMAKE, "cmake"],
  [data.GRAPHQL, "graphql"],
  [data.TERRAFORM, "terraform hcl opentofu"],
  [data.NIX, "nix"],
  [functional.HASKELL, "haskell elm purescript idris agda"],
  [functional.OCAML, "ocaml sml reason"],
  [functional.FSHARP, "fsharp"],
  [functional.LISP, "lisp commonlisp scheme racket elisp emacs-lisp"],
  [functional.CLOJURE, "clojure"],
  [functional.ERLANG, "erlang"],
  [functional.ADA, "ada vhdl"],
  [functional.PASCAL, "pascal objectpascal"],
  [functional.BASIC, "vb vbnet vba"],
  [functional.FORTRAN, "fortran FortranFreeForm fortran-modern"],
];
const BY_IDENTIFIER = new Map(
  LANGUAGES.flatMap(([mode, identifiers]) => identifiers.split(" ").map((id) => [id, mode] as const)),
);

/**
 * How code of a language is read from the beginning of `text` on. (Of PHP there may be only a part from within its tags.)
 */
export function modeOf(language: string | undefined, text = ""): Mode {
  if (language === "php" && beginsInHtml(text)) {
    return markup.PHP_TEXT;
  }
  return BY_IDENTIFIER.get(language ?? "") ?? c.UNKNOWN;
}

/** Whether the table has rules for a language. */
export const hasRules = (language: string): boolean => BY_IDENTIFIER.has(language);

/** Whether the first tag of PHP begins its code, rather than ends it. */
function beginsInHtml(text: string): boolean {
  const open = text.indexOf("<?");
  const close = text.indexOf("?>");
  return open >= 0 && (close < 0 || open < close);
}
