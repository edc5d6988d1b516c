import * as vscode from "vscode";

const MAX_BYTES = 200_000;

/**
 * The text of a file, as it is in the editor when it is open there, otherwise as the editor would decode it; LF only. Undefined when it cannot be
 * read, is too large, or no text.
 */
export async function readText(uri: vscode.Uri): Promise<string | undefined> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (open !== undefined) {
    const size = open.offsetAt(new vscode.Position(open.lineCount, 0));
    return size > MAX_BYTES ? undefined : toText(open.getText());
  }
  try {
    const { type, size } = await vscode.workspace.fs.stat(uri);
    if ((type & vscode.FileType.File) === 0 || size > MAX_BYTES) {
      return undefined;
    }
    const text = await vscode.workspace.decode(await vscode.workspace.fs.readFile(uri), { uri });
    return toText(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what is no text, or has another encoding than it was taken for. */
const toText = (decoded: string): string | undefined =>
  /[\0\ufffd]/.test(decoded) ? undefined : decoded.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");

/** `promise`, or undefined when it takes longer than `ms` or fails. */
export async function within<T>(ms: number, promise: PromiseLike<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([Promise.resolve(promise).catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
