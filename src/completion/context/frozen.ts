import type { ContextFile } from "../fim";

/** What is shown to the model besides the file that is being edited. */
export interface CrossFileContext {
  /** Most important last. */
  readonly files: readonly ContextFile[];
  /** Recent edits as unified diffs; "" for none. */
  readonly edits: string;
}

export const NO_CONTEXT: CrossFileContext = { files: [], edits: "" };

/**
 * The context of each document as it was gathered last. It does not change while one types: everything in front of the file is what the
 * engine has evaluated already, and another order of the same would cost a whole prompt.
 */
export class FrozenContexts {
  private readonly contexts = new Map<string, CrossFileContext>();

  constructor(private readonly capacity = 8) {}

  of(document: string): CrossFileContext {
    return this.contexts.get(document) ?? NO_CONTEXT;
  }

  /** Takes a new context; one that says the same in another order is not new. Returns whether anything has changed. */
  replace(document: string, next: CrossFileContext): boolean {
    const before = this.of(document);
    const key = ({ path, text }: ContextFile): string => `${path}\n${text}`;
    const old = new Set(before.files.map(key));
    const same = next.files.length === old.size && next.files.every((file) => old.has(key(file)));
    const changed = !same || before.edits !== next.edits;
    this.contexts.delete(document);
    this.contexts.set(
      document,
      changed ? { files: same ? before.files : next.files, edits: next.edits } : before,
    );
    for (const oldest of [...this.contexts.keys()].slice(0, -this.capacity)) {
      this.contexts.delete(oldest);
    }
    return changed;
  }

  forget(document?: string): void {
    if (document === undefined) {
      this.contexts.clear();
    } else {
      this.contexts.delete(document);
    }
  }
}
