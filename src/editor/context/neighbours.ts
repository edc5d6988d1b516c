import path from "node:path";
import * as vscode from "vscode";
import type { Chunk, ChunkSource } from "../../completion/context/chunk";
import type { Project, ProjectFile } from "../../completion/context/neighbours";
import { fileOf, modelPath } from "../documentNames";
import { notebookOf } from "../notebooks";
import type { Admission } from "./admission";
import { readText } from "./reading";

/** What files beside a notebook are called that hold code of its language: those of its own kind hold outputs, too. */
const SOURCE_OF_CELLS: Readonly<Record<string, string>> = {
  javascript: ".js",
  julia: ".jl",
  python: ".py",
  r: ".r",
  typescript: ".ts",
};

/** What is round a document in its workspace, as far as it may be read. */
export class WorkspaceProject implements Project {
  readonly name: string;
  private readonly folder: vscode.Uri;
  private readonly root: vscode.Uri;

  constructor(
    private readonly document: vscode.TextDocument,
    private readonly admission: Admission,
  ) {
    const notebook = notebookOf(document.uri)?.uri;
    const uri = notebook ?? document.uri;
    const { name, base } = path.posix.parse(uri.path);
    const source = SOURCE_OF_CELLS[document.languageId];
    this.name = notebook === undefined ? base : source === undefined ? "" : name + source;
    this.folder = vscode.Uri.joinPath(uri, "..");
    this.root = vscode.workspace.getWorkspaceFolder(uri)?.uri ?? this.folder;
  }

  async beside(): Promise<readonly string[]> {
    if (this.document.isUntitled || this.name === "") {
      return [];
    }
    const entries = await Promise.resolve(vscode.workspace.fs.readDirectory(this.folder)).catch(() => []);
    return entries.filter(([, type]) => (type & vscode.FileType.File) !== 0).map(([name]) => name);
  }

  async first(candidates: readonly string[], fromRoot: boolean): Promise<ProjectFile | undefined> {
    for (const name of candidates) {
      const uri = vscode.Uri.joinPath(fromRoot ? this.root : this.folder, name);
      const found = await Promise.resolve(vscode.workspace.fs.stat(uri)).catch(() => undefined);
      if (found !== undefined && (found.type & vscode.FileType.File) !== 0) {
        const text = await readAdmitted(uri, this.admission);
        return text === undefined ? undefined : { file: fileOf(uri), path: modelPath(uri), text };
      }
    }
    return undefined;
  }
}

export const chunk = (uri: vscode.Uri, text: string, source: ChunkSource): Chunk => ({
  file: fileOf(uri),
  path: modelPath(uri),
  text,
  source,
});

/** The text of a file that may be read; undefined otherwise. */
export async function readAdmitted(uri: vscode.Uri, admission: Admission): Promise<string | undefined> {
  return (await admission.isAdmitted(uri)) ? readText(uri) : undefined;
}
