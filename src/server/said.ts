import { field } from "./answers";

/** Tokens and the text that they stand for together: one, unless a character needs several. */
export interface Said {
  readonly tokens: readonly number[];
  readonly text: string;
}

/** What `/tokenize` answers `with_pieces`: a piece is a text, or the bytes of a part of a character. */
export function groupPieces(answer: unknown): Said[] {
  const listed = field(answer, "tokens");
  const groups: Said[] = [];
  let tokens: number[] = [];
  let bytes: number[] = [];
  for (const one of Array.isArray(listed) ? (listed as readonly unknown[]) : []) {
    const [id, piece] = [field(one, "id"), field(one, "piece")];
    tokens.push(Number(id));
    bytes.push(...(typeof piece === "string" ? Buffer.from(piece) : numbers(piece)));
    const text = whole(bytes);
    if (text !== undefined) {
      groups.push({ tokens, text });
      tokens = [];
      bytes = [];
    }
  }
  return tokens.length === 0 ? groups : [...groups, { tokens, text: "" }];
}

/** A list of numbers, or none. */
export const numbers = (value: unknown): number[] =>
  Array.isArray(value) ? value.filter((one): one is number => typeof one === "number") : [];

function whole(bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

/** Of `said`, what `text` begins with, and the rest of it. */
export function agreeing(
  said: readonly Said[],
  text: string,
): { readonly same: readonly Said[]; readonly rest: string } {
  let at = 0;
  let count = 0;
  for (const { text: piece } of said) {
    if (piece === "" || !text.startsWith(piece, at)) {
      break;
    }
    at += piece.length;
    count++;
  }
  return { same: said.slice(0, count), rest: text.slice(at) };
}
