import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { parentsThatTell } from "./folderNames";
import { notebookOf } from "./notebooks";

/**
 * The name by which the model knows a document: its path within the workspace, or the name alone of a file outside of it. A cell has its
 * notebook's. Where the files of this machine lie, whose they are and what ids they have is nothing that a model should see; nor does the name
 * tell documents apart.
 */
export function modelPath(uri: vscode.Uri): string {
  const file = notebookOf(uri)?.uri ?? uri;
  const folder = folderOf(file);
  if (folder === undefined) {
    return path.posix.basename(file.path);
  }
  const relative = vscode.workspace.asRelativePath(inFolder(file, folder));
  return `${parentsThatTell(folder, vscode.workspace.workspaceFolders ?? [])}${relative}`;
}

/** Names the project of a document for the model; undefined where it has none. A home folder has its owner's name. */
export function repositoryOf(uri: vscode.Uri): string | undefined {
  const folder = folderOf(notebookOf(uri)?.uri ?? uri);
  return folder === undefined || folder.uri.fsPath === os.homedir() ? undefined : folder.name;
}

/** Tells files apart: the cells of a notebook are one file. */
export const fileOf = (uri: vscode.Uri): string => (notebookOf(uri)?.uri ?? uri).toString();

/** The folder of the workspace that a file is in, also one that is not saved yet. */
function folderOf(file: vscode.Uri): vscode.WorkspaceFolder | undefined {
  const folder = vscode.workspace.getWorkspaceFolder(file);
  if (folder !== undefined || file.scheme !== "untitled") {
    return folder;
  }
  return vscode.workspace.workspaceFolders?.find(({ uri }) =>
    file.path.startsWith(`${uri.path.replace(/\/$/, "")}/`),
  );
}

const inFolder = (file: vscode.Uri, { uri: { scheme, authority } }: vscode.WorkspaceFolder): vscode.Uri =>
  file.with({ scheme, authority, query: "", fragment: "" });
