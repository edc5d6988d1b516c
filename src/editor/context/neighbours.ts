import path from "node:path";
import * as vscode from "vscode";
import { chunkAround, type Chunk, type ChunkSource } from "../../completion/context/chunk";
import { declarationsOf } from "../../completion/context/declarations";
import { importsOf } from "../../completion/context/imports";
import type { Admission } from "./admission";
import { readText } from "./reading";

const MAX_IMPORTS = 8;
const MAX_SIBLINGS = 3;

/** What a document imports from its project: the declarations of what it names, or the beginning of the file. */
export async function importedChunks(document: vscode.TextDocument, admission: Admission): Promise<Chunk[]> {
  const folder = vscode.Uri.joinPath(document.uri, "..");
  const root = vscode.workspace.getWorkspaceFolder(document.uri)?.uri ?? folder;
  const imports = importsOf(document.getText().slice(0, 20_000), document.languageId).slice(-MAX_IMPORTS);
  const chunks = await Promise.all(
    imports.map(async ({ candidates, fromRoot, names }) => {
      const uri = await firstFile(
        candidates.map((name) => vscode.Uri.joinPath(fromRoot ? root : folder, name)),
      );
      const text = uri === undefined ? undefined : await readAdmitted(uri, admission);
      if (uri === undefined || text === undefined) {
        return undefined;
      }
      return chunk(uri, declarationsOf(text, names) || chunkAround(text, 0), "import");
    }),
  );
  return chunks.filter((one) => one !== undefined);
}

/** Files of the same kind in the same folder, those with the most similar names first. */
export async function siblingChunks(document: vscode.TextDocument, admission: Admission): Promise<Chunk[]> {
  if (document.isUntitled) {
    return [];
  }
  const folder = vscode.Uri.joinPath(document.uri, "..");
  const own = path.posix.basename(document.uri.path);
  const entries = await Promise.resolve(vscode.workspace.fs.readDirectory(folder)).catch(() => []);
  const names = entries
    .filter(
      ([name, type]) =>
        name !== own &&
        (type & vscode.FileType.File) !== 0 &&
        path.posix.extname(name) === path.posix.extname(own),
    )
    .map(([name]) => name)
    .sort((a, b) => alike(b, own) - alike(a, own) || (a < b ? -1 : 1))
    .slice(0, MAX_SIBLINGS);
  const chunks = await Promise.all(
    names.map(async (name) => {
      const uri = vscode.Uri.joinPath(folder, name);
      const text = await readAdmitted(uri, admission);
      return text === undefined ? undefined : chunk(uri, chunkAround(text, 0), "sibling");
    }),
  );
  return chunks.filter((one) => one !== undefined);
}

export const chunk = (uri: vscode.Uri, text: string, source: ChunkSource): Chunk => ({
  path: vscode.workspace.asRelativePath(uri),
  text,
  source,
});

/** The text of a file that may be read; undefined otherwise. */
export async function readAdmitted(uri: vscode.Uri, admission: Admission): Promise<string | undefined> {
  const [admitted] = await admission.admitted([uri]);
  return admitted === undefined ? undefined : readText(admitted);
}

async function firstFile(uris: readonly vscode.Uri[]): Promise<vscode.Uri | undefined> {
  for (const uri of uris) {
    const found = await Promise.resolve(vscode.workspace.fs.stat(uri)).catch(() => undefined);
    if (found !== undefined && (found.type & vscode.FileType.File) !== 0) {
      return uri;
    }
  }
  return undefined;
}

/** Length of the beginning that two names share. */
function alike(a: string, b: string): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a.charAt(length) === b.charAt(length)) {
    length++;
  }
  return length;
}
