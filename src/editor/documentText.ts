import * as vscode from "vscode";
import type { Indentation, Place } from "../completion/place";
import { visibleEditor } from "./visibleEditor";

/** Lines of a document that a completion can see; the engine cuts further to what fits its context. */
const LINES_BEFORE = 512;
const LINES_AFTER = 128;
/** The window begins at a multiple of this, so that it does not move with every new line. */
const STEP = 64;
/** A line longer than this is not code that someone writes. */
const MAX_CHARACTERS = 100_000;

const toLf = (text: string): string => text.replaceAll("\r\n", "\n");

/** The text round a position, LF only, and what identifies the place. `offset` counts a line break as one. */
export function textAt(document: vscode.TextDocument, position: vscode.Position): Place {
  const firstLine = Math.max(0, Math.floor((position.line - LINES_BEFORE) / STEP) * STEP);
  const before = document.getText(new vscode.Range(firstLine, 0, position.line, position.character));
  const after = document.getText(
    new vscode.Range(position, new vscode.Position(position.line + LINES_AFTER, 0)),
  );
  const carriageReturns = document.eol === vscode.EndOfLine.CRLF ? position.line : 0;
  return {
    document: document.uri.toString(),
    language: document.languageId,
    indentation: indentationOf(document),
    offset: document.offsetAt(position) - carriageReturns,
    prefix: toLf(before).slice(-MAX_CHARACTERS),
    suffix: toLf(after).slice(0, MAX_CHARACTERS),
  };
}

/** As the editor that shows the document has it, which has looked at its text; otherwise as it is set for the language. */
function indentationOf(document: vscode.TextDocument): Indentation {
  const options = visibleEditor(document)?.options ?? {};
  const configured = vscode.workspace.getConfiguration("editor", document);
  const insertSpaces = options.insertSpaces ?? configured.get<unknown>("insertSpaces");
  const tabSize = Number(options.tabSize ?? configured.get<unknown>("tabSize"));
  return { insertSpaces: insertSpaces !== false, tabSize: tabSize > 0 ? tabSize : 4 };
}
