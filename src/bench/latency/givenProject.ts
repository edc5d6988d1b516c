import path from "node:path";
import { chooseFiles, contextBudget } from "../../completion/context/choose";
import {
  importedChunks,
  siblingChunks,
  type Project,
  type ProjectFile,
} from "../../completion/context/neighbours";
import type { ContextFile } from "../../completion/fim";
import type { Place } from "../../completion/place";

/** The extension's default of `lacuna.maxContextKB`. */
const MAX_CONTEXT_KB = 8;

/** The files of a project, by their paths relative to it, seen from one of them. */
class GivenProject implements Project {
  readonly name: string;
  private readonly folder: string;

  constructor(
    private readonly files: readonly ProjectFile[],
    own: string,
  ) {
    this.name = path.posix.basename(own);
    this.folder = path.posix.dirname(own);
  }

  beside(): Promise<readonly string[]> {
    const names = this.files
      .filter((file) => path.posix.dirname(file.path) === this.folder)
      .map((file) => path.posix.basename(file.path));
    return Promise.resolve(names);
  }

  first(candidates: readonly string[], fromRoot: boolean): Promise<ProjectFile | undefined> {
    const paths = candidates.map((name) => path.posix.join(fromRoot ? "." : this.folder, name));
    const found = paths.find((name) => this.files.some((file) => file.path === name));
    return Promise.resolve(this.files.find((file) => file.path === found));
  }
}

/**
 * What the extension shows the model of a project besides the file itself, when nothing else is open: what the file imports and the files beside
 * it. (Declarations from a language server, and files that were looked at, it has in an editor only.)
 * @param file path of the document, relative to the project
 * @param contextSize of the model, tokens
 */
export async function projectContext(
  place: Place,
  file: string,
  files: readonly ProjectFile[],
  contextSize: number,
): Promise<readonly ContextFile[]> {
  const project = new GivenProject(files, file);
  const chunks = await Promise.all([
    siblingChunks(project),
    importedChunks(place.prefix + place.suffix, place.language, project),
  ]);
  return chooseFiles(place, file, chunks.flat(), contextBudget(contextSize, MAX_CONTEXT_KB));
}
