/** Why a piece of a file may matter where one works now. */
export type ChunkSource =
  "opened" | "left" | "edited" | "saved" | "copied" | "declaration" | "import" | "sibling";

/** A piece of a file. */
export interface Chunk {
  /** Tells the file from others; absent: its path does. */
  readonly file?: string;
  /** Names the file for the model, relative to the workspace. */
  readonly path: string;
  /** LF only, whole lines. */
  readonly text: string;
  readonly source: ChunkSource;
}

/** Whatever two things that are named have in common, they are of one file only when this is the same. */
export const identityOf = ({ file, path }: Pick<Chunk, "file" | "path">): string => file ?? path;

export const CHUNK_LINES = 64;

/** The lines round `line` (from 0), at most `count`; the window lies within the text and begins with a line that says something. */
export function chunkAround(text: string, line: number, count = CHUNK_LINES): string {
  const lines = text.split("\n");
  const first = Math.max(0, Math.min(line - (count >> 1), lines.length - count));
  return lines
    .slice(first, first + count)
    .join("\n")
    .replace(/^\s*\n/, "")
    .trimEnd();
}
