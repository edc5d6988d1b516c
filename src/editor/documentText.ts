import * as vscode from "vscode";
import type { Place } from "../completion/place";

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
    offset: document.offsetAt(position) - carriageReturns,
    prefix: toLf(before).slice(-MAX_CHARACTERS),
    suffix: toLf(after).slice(0, MAX_CHARACTERS),
  };
}

/**
 * The path by which the engine knows a document: relative to the workspace where it is in one; the cells of a notebook differ by their
 * fragment.
 */
export function modelPath(document: vscode.TextDocument): string {
  const path = vscode.workspace.asRelativePath(document.uri);
  return document.uri.fragment === "" ? path : `${path}#${document.uri.fragment}`;
}
