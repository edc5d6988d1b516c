#!/usr/bin/env bash
# @vscode/tree-sitter-wasm 0.3.1, the grammars that VS Code ships: the one of CSS takes `!important` for one word. CSS lets blanks and comments stand
# between the exclamation mark and `important` (CSS Cascade 4, "Important Declarations"; css-syntax-3, "consume a declaration"), and every browser reads them.
# Code that asks a tree whether an edit broke a stylesheet is told so of a correct one. Seen with Node 20:
#
#   false a { color: red !important; }
#   true  a { color: red ! important; }         (declaration (property_name) (plain_value) (ERROR …
#   true  a { color: red !/**/important; }
#
# (true: the tree has an error.) Needs Node and npm.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @vscode/tree-sitter-wasm@0.3.1
cat >parse.cjs <<'JS'
const { Parser, Language } = require("@vscode/tree-sitter-wasm/wasm/tree-sitter.js");
(async () => {
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(require.resolve("@vscode/tree-sitter-wasm/wasm/tree-sitter-css.wasm")));
  for (const text of ["a { color: red !important; }", "a { color: red ! important; }", "a { color: red !/**/important; }"]) {
    console.log(String(parser.parse(text).rootNode.hasError).padEnd(5), text);
  }
})();
JS
seen=$(node parse.cjs)
echo "$seen"
expected='false a { color: red !important; }
true  a { color: red ! important; }
true  a { color: red !/**/important; }'
[ "$seen" = "$expected" ] || { echo "changed"; exit 1; }
