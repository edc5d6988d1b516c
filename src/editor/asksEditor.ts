import * as vscode from "vscode";
import type { Screen } from "../completion/longerSuggestions";
import type { Place } from "../completion/place";
import { textAt } from "./documentText";

const ASK_COMMAND = "editor.action.inlineSuggest.trigger";
/** Asks, and goes on from the suggestion that is shown to the one after it; VS Code runs it only while one is shown. */
const NEXT_COMMAND = "editor.action.inlineSuggest.showNext";

/**
 * Makes the editor ask where it has stopped asking: it withdraws its request when its own list is to open, after 750 ms at the end of a word, and nobody
 * asks again. Not explicit, where VS Code knows the difference: an open list keeps its say. Does nothing when the cursor is elsewhere.
 */
export function askAt(place: Place): void {
  if (isHere(place)) {
    void vscode.commands.executeCommand(ASK_COMMAND, { explicit: false });
  }
}

/** The active editor, as one that shows suggestions. */
export class ActiveScreen implements Screen {
  /**
   * @param extension the identifier of the extension that registers `provider`
   * @param provider gives what the editor is to show
   */
  constructor(
    private readonly extension: string,
    private readonly provider: vscode.InlineCompletionItemProvider,
  ) {}

  isAt(place: Place): boolean {
    return isHere(place);
  }

  askIfShown(): void {
    void vscode.commands.executeCommand(NEXT_COMMAND);
  }

  /**
   * The editor does not ask a provider twice for the same text, and when it is told to ask explicitly it keeps what it shows before what it is given: hence
   * another provider, which it is told to ask, and which comes first as it knows the language.
   */
  replace(place: Place): void {
    if (!isHere(place)) {
      return;
    }
    const { extension, provider } = this;
    const other = vscode.languages.registerInlineCompletionItemProvider(
      { language: place.language },
      provider,
    );
    const done = (): void => void other.dispose();
    vscode.commands
      .executeCommand(ASK_COMMAND, { explicit: false, providerId: `${extension}:*` })
      .then(done, done);
  }
}

/** The cursor is there, in the same text. */
function isHere(place: Place): boolean {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.uri.toString() !== place.document || !editor.selection.isEmpty) {
    return false;
  }
  const { offset, prefix } = textAt(editor.document, editor.selection.active);
  return offset === place.offset && prefix === place.prefix;
}
