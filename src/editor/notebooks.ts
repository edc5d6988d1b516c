import * as vscode from "vscode";

/** Of the cells above, as much as a completion can see of a document. */
const MAX_LINES = 512;

/** The notebook that has a cell; undefined for any other document. */
export function notebookOf(cell: vscode.Uri): vscode.NotebookDocument | undefined {
  if (cell.scheme !== "vscode-notebook-cell") {
    return undefined;
  }
  const ofPath = vscode.workspace.notebookDocuments.filter(({ uri }) => uri.path === cell.path);
  return ofPath.length < 2 ? ofPath[0] : ofPath.find((notebook) => indexOf(notebook, cell) >= 0);
}

/**
 * What stands before the text of a cell: the code above it, in the notebook's order, as if the notebook were one file. "" for any other
 * document. Whole cells of the cell's language, the nearest ones when they are many; LF only.
 */
export function textAbove(document: vscode.TextDocument): string {
  const notebook = notebookOf(document.uri);
  if (notebook === undefined) {
    return "";
  }
  const above = notebook
    .getCells()
    .slice(0, Math.max(0, indexOf(notebook, document.uri)))
    .filter(({ document: { languageId } }) => languageId === document.languageId);
  let room = MAX_LINES;
  const first = above.findLastIndex(({ document: { lineCount } }) => (room -= lineCount + 1) < 0);
  return above
    .slice(first + 1)
    .map((cell) => cell.document.getText().replaceAll("\r\n", "\n").trimEnd())
    .filter((text) => text !== "")
    .map((text) => `${text}\n\n`)
    .join("");
}

const indexOf = (notebook: vscode.NotebookDocument, cell: vscode.Uri): number =>
  notebook.getCells().findIndex(({ document }) => document.uri.toString() === cell.toString());
