import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type TreeSitter from "@vscode/tree-sitter-wasm";
import type { Syntax, SyntaxNode } from "../completion/syntaxTree";
import { grammarOf } from "./grammars";
import { editBetween } from "./textEdit";

/** Trees that are kept to parse the next text of the same document faster. */
const MAX_TREES = 8;

interface Parsed {
  readonly text: string;
  readonly grammar: string;
  readonly tree: TreeSitter.Tree;
}

/**
 * tree-sitter, compiled to WebAssembly. The runtime and each grammar are read when they are first asked for; parsing itself is
 * synchronous and incremental.
 */
export class SyntaxParser implements Syntax {
  private runtime: Promise<typeof TreeSitter> | undefined;
  private readonly loading = new Map<string, Promise<boolean>>();
  private readonly parsers = new Map<string, TreeSitter.Parser>();
  /** By document, least recently used first. */
  private readonly trees = new Map<string, Parsed>();

  /** @param folder of the runtime and the grammars: `dist/grammars`, or the npm package's `wasm` */
  constructor(private readonly folder: string) {}

  /** Reads the grammar of `language`; false when there is none, or it cannot be read. */
  load(language: string): Promise<boolean> {
    const grammar = grammarOf(language);
    if (grammar === undefined) {
      return Promise.resolve(false);
    }
    let loading = this.loading.get(grammar);
    if (loading === undefined) {
      loading = this.loadGrammar(grammar).catch(() => false);
      this.loading.set(grammar, loading);
    }
    return loading;
  }

  reads(language: string): boolean {
    return grammarOf(language) !== undefined;
  }

  loaded(language: string): boolean {
    return this.parsers.has(grammarOf(language) ?? "");
  }

  /** Whether the next text of `document` can be parsed from the last one. */
  knows(document: string): boolean {
    return this.trees.has(document);
  }

  parse<T>(
    document: string,
    language: string,
    text: string,
    look: (root: SyntaxNode, effort: number) => T,
  ): T | undefined {
    const grammar = grammarOf(language) ?? "";
    const parser = this.parsers.get(grammar);
    if (parser === undefined) {
      return undefined;
    }
    const before = this.trees.get(document);
    const base = before?.grammar === grammar ? before : undefined;
    const edit = base === undefined ? undefined : editBetween(base.text, text);
    if (base !== undefined && edit === undefined) {
      return look(base.tree.rootNode, 0);
    }
    if (base !== undefined && edit !== undefined) {
      base.tree.edit(edit);
    }
    let effort = 0;
    // Called after every hundred steps.
    const progressCallback = (): boolean => {
      effort++;
      return false;
    };
    const tree = parser.parse(readable(grammar, text), base?.tree, { progressCallback });
    this.forget(document);
    if (tree === null) {
      return undefined;
    }
    this.trees.set(document, { text, grammar, tree });
    for (const oldest of [...this.trees.keys()].slice(0, -MAX_TREES)) {
      this.forget(oldest);
    }
    return look(tree.rootNode, effort);
  }

  /** Frees the tree of a document. */
  forget(document: string): void {
    this.trees.get(document)?.tree.delete();
    this.trees.delete(document);
  }

  dispose(): void {
    for (const document of [...this.trees.keys()]) {
      this.forget(document);
    }
    this.parsers.forEach((parser) => parser.delete());
    this.parsers.clear();
  }

  private async loadGrammar(grammar: string): Promise<boolean> {
    const { Parser, Language } = await (this.runtime ??= this.start());
    const language = await Language.load(
      new Uint8Array(await readFile(path.join(this.folder, `tree-sitter-${grammar}.wasm`))),
    );
    const parser = new Parser();
    parser.setLanguage(language);
    this.parsers.set(grammar, parser);
    return true;
  }

  private async start(): Promise<typeof TreeSitter> {
    // Not bundled: most windows never need it. The bundles are modules, in which it has to be called .cjs.
    const files = ["tree-sitter.cjs", "tree-sitter.js"].map((name) => path.join(this.folder, name));
    const runtime = createRequire(path.join(this.folder, "-"))(
      files.find((file) => existsSync(file)) ?? files[0]!,
    ) as typeof TreeSitter;
    const options = { locateFile: (name: string) => path.join(this.folder, name) };
    await runtime.Parser.init(options);
    return runtime;
  }
}

/** As a grammar takes it that is narrower than its language, with everything where it was. */
const readable = (grammar: string, text: string): string =>
  grammar === "css" ? text.replace(/!([ \t]+)(?=important\b)/gi, "$1!") : text;
