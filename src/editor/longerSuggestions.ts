import * as vscode from "vscode";
import { typedSince, type Place } from "../completion/place";
import { isHere } from "./asksEditor";

/**
 * The stable API has no other way to say that there is a better suggestion than to ask for one, and nobody tells when one is dismissed. This
 * asks, and goes on from the suggestion that is shown to the one after it; VS Code runs it only while one is shown.
 */
const NEXT_COMMAND = "editor.action.inlineSuggest.showNext";
const ASK_COMMAND = "editor.action.inlineSuggest.trigger";

/** Within this long the editor shows what it has been given, unless it is busy. */
const SHOWN_AFTER_MS = 200;
/** An editor that shows nothing yet does not ask; so often it is told to. */
const TRIES = 5;

/** Puts all of a suggestion in the place of its first lines, while these are on the screen. */
export class LongerSuggestions implements vscode.Disposable {
  /** When a suggestion was handed over last, and whether a list of the editor's own was open. */
  private last: { readonly at: number; readonly besideList: boolean } | undefined;
  /** Where a suggestion has become longer, and whether the editor has been asked to go on to that: from then on it holds both. */
  private longer: { readonly place: Place; readonly asked: boolean } | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** The suggestion that is shown at `place` has become longer. */
  wanted(place: Place): void {
    if (this.last !== undefined && !this.last.besideList) {
      this.longer = { place, asked: false };
      this.later(this.last.at + SHOWN_AFTER_MS - performance.now(), () => this.goOn(place));
    }
  }

  /** The editor has been given a suggestion for `place`. */
  given(place: Place, besideList: boolean): void {
    this.last = { at: performance.now(), besideList };
    const { longer } = this;
    const typed = longer === undefined ? undefined : typedSince(longer.place, place);
    if (longer === undefined || typed === undefined) {
      this.longer = undefined;
    } else if (typed !== "") {
      this.wanted(place); // when a word is accepted the editor goes back to the first lines
    } else if (longer.asked) {
      this.later(SHOWN_AFTER_MS, () => this.keep(place));
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private goOn(place: Place, tries = TRIES): void {
    if (isHere(place) && tries > 0) {
      this.longer = { place, asked: true };
      // Once it asks, `given` has other plans.
      this.later(2 * SHOWN_AFTER_MS, () => this.goOn(place, tries - 1));
      void vscode.commands.executeCommand(NEXT_COMMAND);
    }
  }

  /**
   * Makes the editor forget the shorter one, to which it would go back as soon as a word is accepted: asked anew, it keeps what it shows and what it is
   * given. It does not ask the same providers twice for the same text, hence another one, with nothing to say.
   */
  private keep(place: Place): void {
    this.longer = undefined;
    if (isHere(place)) {
      const other = vscode.languages.registerInlineCompletionItemProvider(
        { language: place.language },
        { provideInlineCompletionItems: () => [] },
      );
      const done = (): void => void other.dispose();
      vscode.commands.executeCommand(ASK_COMMAND).then(done, done);
    }
  }

  private later(ms: number, what: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(what, Math.max(0, ms));
  }
}
