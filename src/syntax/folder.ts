import { existsSync } from "node:fs";
import path from "node:path";

/** The folder of the grammars under the root of an installation or a working copy. */
export function grammarFolder(root: string): string {
  const bundled = path.join(root, "dist", "grammars");
  return existsSync(bundled) ? bundled : path.join(root, "node_modules/@vscode/tree-sitter-wasm/wasm");
}
