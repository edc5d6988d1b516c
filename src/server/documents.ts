import type { DocumentName } from "../engine/protocol";

/** Documents whose prompts are remembered. */
const MAX_DOCUMENTS = 16;

/** What is known of each document; the ones not used for longest are forgotten. */
export class DocumentMap<T> {
  private readonly known = new Map<string, T>();

  constructor(private readonly create: () => T) {}

  of({ document, path }: DocumentName): T {
    const key = document ?? path;
    const value = this.known.get(key) ?? this.create();
    this.known.delete(key);
    this.known.set(key, value);
    for (const oldest of [...this.known.keys()].slice(0, -MAX_DOCUMENTS)) {
      this.known.delete(oldest);
    }
    return value;
  }
}
