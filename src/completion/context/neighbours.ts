import { chunkAround, type Chunk, type ChunkSource } from "./chunk";
import { declarationsOf } from "./declarations";
import { importsOf } from "./imports";

/** Another file of a document's project, as far as it may be read. */
export interface ProjectFile {
  /** Tells it from others; absent: its path does. */
  readonly file?: string;
  /** Names it for the model, relative to the project. */
  readonly path: string;
  /** LF only. */
  readonly text: string;
}

/** What is round a document. */
export interface Project {
  /** The document's own name, without its folder. */
  readonly name: string;
  /** Names of the files in the document's folder, its own among them or not. */
  beside(): Promise<readonly string[]>;
  /**
   * The first of `candidates` that is there; undefined when none is, or it may not be read.
   * @param candidates with forward slashes, relative to the document's folder, or `fromRoot` to the project's
   */
  first(candidates: readonly string[], fromRoot: boolean): Promise<ProjectFile | undefined>;
}

const MAX_IMPORTS = 8;
const MAX_SIBLINGS = 3;
/** Imports stand at a file's beginning. */
const HEAD_CHARACTERS = 20_000;

/** What a document imports from its project: the declarations of what it names, or the beginning of the file. */
export async function importedChunks(text: string, language: string, project: Project): Promise<Chunk[]> {
  const imports = importsOf(text.slice(0, HEAD_CHARACTERS), language).slice(-MAX_IMPORTS);
  const chunks = await Promise.all(
    imports.map(async ({ candidates, fromRoot, names }) => {
      const file = await project.first(candidates, fromRoot);
      return file === undefined
        ? undefined
        : chunkOf(file, declarationsOf(file.text, names) || chunkAround(file.text, 0), "import");
    }),
  );
  return chunks.filter((one) => one !== undefined);
}

/** The beginnings of files of the same kind in the same folder, those with the most similar names first. */
export async function siblingChunks(project: Project): Promise<Chunk[]> {
  const { name: own } = project;
  const names = (await project.beside())
    .filter((name) => name !== own && extension(name) === extension(own))
    .sort((a, b) => alike(b, own) - alike(a, own) || (a < b ? -1 : 1))
    .slice(0, MAX_SIBLINGS);
  const chunks = await Promise.all(
    names.map(async (name) => {
      const file = await project.first([name], false);
      return file === undefined ? undefined : chunkOf(file, chunkAround(file.text, 0), "sibling");
    }),
  );
  return chunks.filter((one) => one !== undefined);
}

const chunkOf = (file: ProjectFile, text: string, source: ChunkSource): Chunk => ({ ...file, text, source });

/** With its dot; "" for none. */
const extension = (name: string): string => /(?<=[^/])\.[^./]*$/.exec(name)?.[0] ?? "";

/** Length of the beginning that two names share. */
function alike(a: string, b: string): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a.charAt(length) === b.charAt(length)) {
    length++;
  }
  return length;
}
