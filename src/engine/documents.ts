import type { PromptPlanner } from "../completion/promptPlan";
import type { DocumentContext } from "./document";
import type { DocumentName } from "./protocol";
import type { StateStore } from "./stateStore";

/** What tells a document from the others. */
export const documentKey = ({ path, document }: DocumentName): string => document ?? path;

/** A document's native state and its prompts. */
export interface Kept {
  readonly key: string;
  readonly context: DocumentContext;
  readonly planner: PromptPlanner;
  /** Counts the prompts: a warm-up ends when a newer one comes. */
  ticket: number;
  /** What its state on disk holds. */
  saved: readonly number[];
  /** When that was written, on the clock of `performance.now()`. */
  savedAt: number;
}

export interface DocumentsOptions {
  readonly create: () => Promise<DocumentContext>;
  readonly planner: () => PromptPlanner;
  /** Of one document's KV cache when it is full. */
  readonly kvBytes: number;
  /** What the documents together may occupy; the one in use may always be there. */
  readonly maxBytes: number;
  /** Absent: nothing is kept on disk. */
  readonly states: StateStore | undefined;
  readonly onRestored: (key: string, tokens: number, ms: number) => void;
}

const MAX_DOCUMENTS = 16;

/** Fewer new tokens than this are evaluated again in no time. */
const MIN_TOKENS = 64;

/** The documents whose KV cache and packed rows are kept at the same time; the ones not used for longest make room. */
export class Documents {
  private readonly kept = new Map<string, Kept>();
  /** States of so many tokens were too large to be kept, or there was no room for them: they are not written again. */
  private tooLong = Infinity;

  constructor(private readonly options: DocumentsOptions) {}

  async get(key: string): Promise<Kept> {
    const known = this.kept.get(key);
    if (known !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, known); // a Map keeps insertion order: last is most recent
      return known;
    }
    await this.makeRoom();
    const { create, planner } = this.options;
    const document: Kept = {
      key,
      context: await create(),
      planner: planner(),
      ticket: 0,
      saved: [],
      savedAt: -Infinity,
    };
    this.kept.set(key, document);
    await this.restore(document);
    return document;
  }

  /** Does not make it the most recent. */
  peek(key: string): Kept | undefined {
    return this.kept.get(key);
  }

  /** Of the KV caches that are kept, what is resident. */
  get cacheBytes(): number {
    return this.contexts().reduce((sum, { cacheBytes }) => sum + cacheBytes, 0);
  }

  contexts(): DocumentContext[] {
    return [...this.kept.values()].map(({ context }) => context);
  }

  /**
   * Documents whose state on disk is out of date.
   * @param minAgeMs leave out those that were written less than this ago: states of large models are large
   */
  unsaved(minAgeMs = 0): Kept[] {
    if (this.options.states === undefined) {
      return [];
    }
    const before = performance.now() - minAgeMs;
    return [...this.kept.values()].filter(({ context, saved, savedAt }) => {
      if (savedAt > before) {
        return false;
      }
      const tokens = context.exact;
      return tokens.length < this.tooLong && tokens.length - commonLength(tokens, saved) >= MIN_TOKENS;
    });
  }

  async save(document: Kept): Promise<void> {
    const { context, key } = document;
    if (this.kept.get(key) !== document) {
      return; // it has made room meanwhile: what is on disk is the latest that there is
    }
    const tokens = [...context.exact];
    const bytes = await this.options.states?.put(key, (file) => context.save(file, tokens));
    document.saved = tokens;
    document.savedAt = performance.now();
    if (bytes === undefined) {
      this.tooLong = Math.min(this.tooLong, tokens.length);
      await this.options.states?.forget(key);
    }
  }

  async dispose(): Promise<void> {
    for (const document of this.unsaved()) {
      await this.save(document);
    }
    for (const { context } of this.kept.values()) {
      await context.dispose();
    }
    this.kept.clear();
  }

  private async makeRoom(): Promise<void> {
    const { kvBytes, maxBytes } = this.options;
    for (const [key, document] of [...this.kept]) {
      const bytes = this.contexts().reduce((sum, { packedBytes }) => sum + kvBytes + packedBytes, kvBytes);
      if (bytes <= maxBytes && this.kept.size < MAX_DOCUMENTS) {
        return;
      }
      this.kept.delete(key);
      await document.context.dispose();
    }
  }

  private async restore(document: Kept): Promise<void> {
    const file = await this.options.states?.find(document.key);
    if (file === undefined) {
      return;
    }
    const start = performance.now();
    const tokens = await document.context.restore(file);
    if (tokens === undefined) {
      await this.options.states?.forget(document.key);
      return;
    }
    document.saved = tokens;
    this.options.onRestored(document.key, tokens.length, performance.now() - start);
  }
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) {
    same++;
  }
  return same;
}
