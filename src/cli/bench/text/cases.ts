import path from "node:path";
import { CliError } from "../../errors";
import { cutHoles, type HoleKind } from "../quality/holes";
import type { SourceFile } from "../quality/sourceFiles";
import type { Asked } from "./measures";

/** A place in a file where a completion is asked for. */
export interface TextCase extends Asked {
  readonly id: string;
  readonly path: string;
  /** Of the hole. */
  readonly kind: HoleKind;
}

/** Characters round a hole: there is something to go by. */
const BEFORE = 400;
const AFTER = 200;

/** Depends on the files, the number and the seed only. Throws a {@link CliError} when no file is long enough. */
export function cutCases(files: readonly SourceFile[], count: number, seed: number): TextCase[] {
  const holes = cutHoles(files, { count, seed, before: BEFORE, after: AFTER });
  if (holes.length === 0) {
    throw new CliError(`No file is long enough: ${BEFORE + AFTER} characters of code are needed.`);
  }
  return holes.map(({ id, file, kind, prefix, middle, suffix }) => ({
    ...{ id, kind, prefix, middle, suffix },
    path: file.path,
    language: languageOf(file),
  }));
}

/** VS Code's language identifier. */
export function languageOf({ path: file, language }: SourceFile): string {
  return language.toLowerCase() + (/\.[jt]sx$/.test(path.extname(file)) ? "react" : "");
}
