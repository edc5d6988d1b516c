import path from "node:path";
import { CliError } from "../../errors";
import { cutHoles, type HoleKind } from "../quality/holes";
import type { SourceFile } from "../quality/sourceFiles";
import type { ProjectFile } from "../../../completion/context/neighbours";
import type { Asked } from "./measures";

/** A place in a file where a completion is asked for. */
export interface TextCase extends Asked {
  readonly id: string;
  /** Relative to its project. */
  readonly path: string;
  /** As the report names the file. */
  readonly file: string;
  /** Of its project, the file itself among them. */
  readonly files: readonly ProjectFile[];
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
    file: file.path,
    path: projectPath(file),
    files: projectOf(file, files),
    language: languageOf(file),
  }));
}

/** Files that are named after a package are of that one, others are all of one project. */
const inPackage = ({ path: file, group }: SourceFile): boolean => file.startsWith(`${group}/`);

const projectPath = (file: SourceFile): string =>
  inPackage(file) ? file.path.slice(file.group.length + 1) : file.path;

function projectOf(file: SourceFile, files: readonly SourceFile[]): ProjectFile[] {
  const own = inPackage(file) ? files.filter(({ group }) => group === file.group) : files;
  return own.map((other) => ({ path: projectPath(other), text: other.text }));
}

/** VS Code's language identifier. */
export function languageOf({ path: file, language }: SourceFile): string {
  return language.toLowerCase() + (/\.[jt]sx$/.test(path.extname(file)) ? "react" : "");
}
