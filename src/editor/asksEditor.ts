import * as vscode from "vscode";
import type { Place } from "../completion/place";
import { textAt } from "./documentText";

/**
 * Makes the editor ask where it has stopped asking: it withdraws its request when its own list is to open, after 750 ms at the end of a word, and nobody
 * asks again. Not explicit, where VS Code knows the difference: an open list keeps its say. Does nothing when the cursor is elsewhere.
 */
export function askAt(place: Place): void {
  if (isHere(place)) {
    void vscode.commands.executeCommand("editor.action.inlineSuggest.trigger", { explicit: false });
  }
}

/** The cursor is there, in the same text. */
export function isHere(place: Place): boolean {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.uri.toString() !== place.document || !editor.selection.isEmpty) {
    return false;
  }
  const { offset, prefix } = textAt(editor.document, editor.selection.active);
  return offset === place.offset && prefix === place.prefix;
}
