import type { CursorText } from "../../completion/cursor";
import type { Syntax } from "../../completion/syntaxTree";
import { unwantedIn, type Unwanted } from "../../completion/unwanted";
import { editSimilarity } from "../common/textScores";

/** A place whose right continuation is known. */
export interface Asked extends CursorText {
  /** What stood at the cursor. */
  readonly middle: string;
  /** VS Code's language identifier. */
  readonly language: string;
}

/** How good one suggestion is; shares and booleans as 0 or 1. */
export interface Measured {
  readonly empty: number;
  /** Its first line is the middle's. */
  readonly firstLine: number;
  /** It is the middle. */
  readonly whole: number;
  /** Not empty, and the middle begins with it and goes on, if at all, on a new line: it could be accepted as it is. */
  readonly right: number;
  /** Of it and the middle: 1 - Levenshtein distance / longer length. */
  readonly similarity: number;
  /** Of the first lines of both. */
  readonly firstLineSimilarity: number;
  /** Lines with something on them. */
  readonly lines: number;
  /** What is wrong with it, whatever it says; undefined where it is empty. */
  readonly unwanted: Unwanted | undefined;
}

/** What is shown at a cursor. */
export interface Shown {
  /** LF only; "" for nothing. */
  readonly text: string;
  /** Characters after the cursor that it takes the place of: closers that the editor had put there. */
  readonly replaced: number;
}

/** @param syntax with the language's grammar loaded, where there is one */
export function measure({ text, replaced }: Shown, asked: Asked, syntax: Syntax): Measured {
  const shown = text.trimEnd();
  const original = asked.middle + asked.suffix.slice(0, replaced);
  const suffix = asked.suffix.slice(replaced);
  const middle = original.trimEnd();
  const [first, wanted] = [firstLine(shown), firstLine(middle)];
  const empty = shown.trim() === "";
  const right = !empty && (middle === shown || middle.startsWith(`${shown}\n`));
  return {
    empty: Number(empty),
    firstLine: Number(!empty && first === wanted),
    whole: Number(!empty && shown === middle),
    right: Number(right),
    similarity: editSimilarity(shown, middle),
    firstLineSimilarity: editSimilarity(first, wanted),
    lines: shown.split("\n").filter((line) => line.trim() !== "").length,
    unwanted: empty ? undefined : unwantedIn({ ...asked, suffix, text: shown, original }, syntax),
  };
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!.trimEnd();
