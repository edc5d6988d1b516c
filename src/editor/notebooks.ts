import * as vscode from "vscode";

/** Of the cells above, as much as a completion can see of a document. */
const MAX_LINES = 512;

/** Of what is typed into an Interactive Window, below the cells that have been run. */
const INPUT = "vscode-interactive-input";

/** The notebook that has a cell, or into which it goes; undefined for any other document. */
export function notebookOf(cell: vscode.Uri): vscode.NotebookDocument | undefined {
  if (cell.scheme === INPUT) {
    return interactiveOf(cell);
  }
  if (cell.scheme !== "vscode-notebook-cell") {
    return undefined;
  }
  const ofPath = vscode.workspace.notebookDocuments.filter(({ uri }) => uri.path === cell.path);
  return ofPath.length < 2 ? ofPath[0] : ofPath.find((notebook) => indexOf(notebook, cell) >= 0);
}

/** The editor numbers both alike: `/InteractiveInput-3` and `Interactive-3.interactive`. */
function interactiveOf({ path }: vscode.Uri): vscode.NotebookDocument | undefined {
  const number = /InteractiveInput-(\d+)$/.exec(path)?.[1];
  return vscode.workspace.notebookDocuments.find(
    ({ uri }) => number !== undefined && uri.path.endsWith(`Interactive-${number}.interactive`),
  );
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
  const index = document.uri.scheme === INPUT ? notebook.cellCount : indexOf(notebook, document.uri);
  const above = notebook
    .getCells()
    .slice(0, Math.max(0, index))
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
