import { createHash } from "node:crypto";
import path from "node:path";
import { CliError } from "../../commandLine/errors";
import type { ProjectFile } from "../../completion/context/neighbours";
import { cutHoles, type Hole, type HoleKind } from "../common/holes";
import { generator, shuffled } from "../common/random";
import type { SourceFile } from "../common/sourceFiles";
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
  readonly kind: HoleKind | "inside brackets";
}

/** Characters round a hole: there is something to go by. */
const BEFORE = 400;
const AFTER = 200;

/** What stands in brackets at the end of a line; an editor has closed them as soon as they were opened. */
const IN_BRACKETS = /(?<=[([{])[^()[\]{}\n]{3,60}(?=[)\]}]+[;,]?$)/gm;
/** Share of the cases. */
const BRACKETS_SHARE = 0.25;

/**
 * Holes of whole lines and of the ends of lines, as `cutHoles` has them, and a part of them inside of brackets that are closed already. Depends on the files, the
 * number and the seed only. Throws a {@link CliError} when no file is long enough.
 */
export function cutCases(files: readonly SourceFile[], count: number, seed: number): TextCase[] {
  const inside = holesInBrackets(files, Math.floor(count * BRACKETS_SHARE), seed);
  const holes = cutHoles(files, { count: count - inside.length, seed, before: BEFORE, after: AFTER });
  if (holes.length === 0) {
    throw new CliError(`No file is long enough: ${BEFORE + AFTER} characters of code are needed.`);
  }
  return [...holes, ...inside].map(({ id, file, kind, prefix, middle, suffix }) => ({
    ...{ id, kind, prefix, middle, suffix },
    file: file.path,
    path: projectPath(file),
    files: projectOf(file, files),
    language: languageOf(file),
  }));
}

type BracketHole = Omit<Hole, "kind"> & { readonly kind: "inside brackets" };

/** From every file in turn, as many as there are. */
function holesInBrackets(files: readonly SourceFile[], count: number, seed: number): BracketHole[] {
  const random = generator(seed);
  const queues = shuffled(files, random).map((file) => ({
    file,
    places: shuffled(
      [...file.text.matchAll(IN_BRACKETS)]
        .map((match) => ({ from: match.index, to: match.index + match[0].length }))
        .filter(({ from }) => from >= BEFORE && file.text.length - from >= AFTER),
      random,
    ),
  }));
  const holes: BracketHole[] = [];
  for (let left = true; left && holes.length < count;) {
    left = false;
    for (const { file, places } of queues) {
      const place = places.pop();
      if (place !== undefined && holes.length < count) {
        left = true;
        const { from, to } = place;
        const [prefix, middle, suffix] = [
          file.text.slice(0, from),
          file.text.slice(from, to),
          file.text.slice(to),
        ];
        const id = createHash("sha256").update(`${file.path}\n${from}\n${to}\n${file.text}`).digest("hex");
        holes.push({ id: id.slice(0, 12), file, kind: "inside brackets", prefix, middle, suffix });
      }
    }
  }
  return holes;
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
