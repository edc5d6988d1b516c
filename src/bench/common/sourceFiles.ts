import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { CliError, UsageError } from "../../commandLine/errors";
import { readSource } from "../../commandLine/sourceFile";
import { matchesAny } from "../../completion/glob";

/** A file to cut holes into. */
export interface SourceFile {
  /** As the report names it. */
  readonly path: string;
  /** Files of one group are neighbours: a package, or a folder. */
  readonly group: string;
  readonly language: string;
  readonly text: string;
}

const LANGUAGES: Readonly<Record<string, string>> = {
  ".ts": "TypeScript",
  ".tsx": "TypeScript",
  ".mts": "TypeScript",
  ".js": "JavaScript",
  ".jsx": "JavaScript",
  ".mjs": "JavaScript",
  ".cjs": "JavaScript",
  ".py": "Python",
  ".c": "C",
  ".h": "C",
  ".cc": "C++",
  ".cpp": "C++",
  ".hpp": "C++",
  ".cs": "C#",
  ".go": "Go",
  ".java": "Java",
  ".kt": "Kotlin",
  ".lua": "Lua",
  ".php": "PHP",
  ".rb": "Ruby",
  ".rs": "Rust",
  ".sh": "Shell",
  ".swift": "Swift",
};

interface HeldOutIndex {
  readonly files: readonly {
    readonly file: string;
    readonly package: string;
    readonly path: string;
    readonly language: string;
  }[];
}

/** The files of packages that no training of ours saw; they come with the repository only. */
export function heldOutFiles(root: string): SourceFile[] {
  const index = path.join(root, "training/heldout.json");
  if (!existsSync(index)) {
    throw new UsageError("The held-out files come with the source repository. Name files with --files GLOB.");
  }
  const { files } = JSON.parse(readFileSync(index, "utf8")) as HeldOutIndex;
  return files.map((file) => ({
    path: `${file.package}/${file.path}`,
    group: file.package,
    language: file.language,
    text: readSource(path.join(root, "training", file.file)),
  }));
}

/** Paths below the current folder, or below that which the glob names, that match. */
export function matchingPaths(glob: string): string[] {
  const absolute = path.resolve(glob).replaceAll("\\", "/");
  const folder = absolute.slice(0, absolute.search(/[*?{]|$/)).replace(/[^/]*$/, "");
  return filesBelow(folder).filter((file) => matchesAny(file, [absolute]));
}

/** Source files below the current folder, in the languages that are known here, whose path matches. */
export function matchingFiles(glob: string): SourceFile[] {
  const found = matchingPaths(glob);
  const known = found.filter((file) => LANGUAGES[path.extname(file)] !== undefined);
  if (known.length === 0) {
    throw new CliError(`No source file matches ${glob}. Known are ${Object.keys(LANGUAGES).join(", ")}.`);
  }
  return known.sort().map((file) => ({
    path: path.relative(process.cwd(), file),
    group: path.dirname(file),
    language: LANGUAGES[path.extname(file)]!,
    text: readSource(file),
  }));
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name === "node_modules" || entry.name === ".git" ? [] : filesBelow(file);
    }
    return entry.isFile() ? [file.replaceAll("\\", "/")] : [];
  });
}
