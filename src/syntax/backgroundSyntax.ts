import type { Syntax, SyntaxNode } from "../completion/syntaxTree";
import { SyntaxParser } from "./parser";

/** A longer text is not parsed: indentation has to do. */
const MAX_CHARACTERS = 200_000;

/**
 * Trees of the documents one works on. Nobody waits for a grammar to be read or a text to be parsed for the first time; until then, and where
 * there is no grammar, there is no tree. Afterwards parsing costs about as much as has changed.
 */
export class BackgroundSyntax implements Syntax {
  private readonly parser: SyntaxParser;
  private readonly timers = new Set<NodeJS.Timeout>();

  /** @param grammars folder of the runtime and the grammars */
  constructor(grammars: string) {
    this.parser = new SyntaxParser(grammars);
  }

  reads(language: string): boolean {
    return this.parser.reads(language);
  }

  parse<T>(
    document: string,
    language: string,
    text: string,
    look: (root: SyntaxNode, effort: number) => T,
  ): T | undefined {
    if (text.length > MAX_CHARACTERS) {
      return undefined;
    }
    if (!this.parser.loaded(language) || !this.parser.knows(document)) {
      void this.prepare(document, language, text);
      return undefined;
    }
    return this.parser.parse(document, language, text, look);
  }

  /** Reads the grammar and parses the text in a moment of its own, so that the next parse is fast. */
  async prepare(document: string, language: string, text: string): Promise<void> {
    if (text.length > MAX_CHARACTERS || !(await this.parser.load(language)) || this.parser.knows(document)) {
      return;
    }
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.parser.parse(document, language, text, () => undefined);
    }, 0);
    this.timers.add(timer);
  }

  /** A document is closed. */
  forget(document: string): void {
    this.parser.forget(document);
  }

  dispose(): void {
    this.timers.forEach(clearTimeout);
    this.parser.dispose();
  }
}
