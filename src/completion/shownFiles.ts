import type { ContextFile } from "./fim";

/** A choice of other files for a prompt. */
export interface Offer {
  /** Most important last. */
  readonly context: readonly ContextFile[];
  /** They stand in front of the prompt already: they are not to make way for a little more of the document. */
  readonly stay: boolean;
}

/**
 * The files that a document's prompts have in front. All that comes after them is evaluated again when one comes or goes: as long as the same files are
 * there to choose from, those that were chosen stay, in their order.
 */
export class ShownFiles {
  private given: readonly ContextFile[] = [];
  private shown: readonly ContextFile[] = [];

  /** What to choose from, of the files that are given now. */
  offer(files: readonly ContextFile[]): Offer {
    const stay = files.length === this.given.length && this.given.every((file) => isAmong(files, file));
    if (stay) {
      return { context: this.shown, stay };
    }
    this.given = files;
    const kept = this.shown.filter((file) => isAmong(files, file));
    return { context: [...kept, ...files.filter((file) => !isAmong(kept, file))], stay };
  }

  /** Those that were chosen of the last offer. */
  choose(files: readonly ContextFile[]): void {
    this.shown = files;
  }
}

const isAmong = (files: readonly ContextFile[], { path, text }: ContextFile): boolean =>
  files.some((file) => file.path === path && file.text === text);
