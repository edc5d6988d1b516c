import { typedSince, type Place } from "./place";

/** An editor that asks for suggestions and tells nobody which of them it shows. */
export interface Screen {
  /** Whether its cursor is there, in the same text. */
  isAt(place: Place): boolean;
  /** If it shows a suggestion, it asks again where its cursor is; it may then show either the one it had or the one it is given. */
  askIfShown(): void;
  /** It asks again at `place`, and shows what it is given in the place of whatever it has. */
  replace(place: Place): void;
}

/** So often, and so long after the other, an editor is told to ask: one that is busy does not show yet what it has been given. */
const TRIES = 10;
const TRY_EVERY_MS = 200;

/**
 * Puts all of a suggestion in the place of its first lines, while these are on the screen: an editor is not to open again what has been dismissed. That it
 * asks is the only sign of what it shows.
 */
export class LongerSuggestions {
  /** Where a suggestion has become longer, until the editor holds that one only. */
  private longer: { readonly place: Place; readonly asked: boolean } | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly screen: Screen) {}

  /** The suggestion that was given for `place` has become longer. */
  wanted(place: Place): void {
    this.longer = { place, asked: false };
    clearTimeout(this.timer);
    this.ask(place, TRIES);
  }

  /** The editor has asked, and has been given all that there is for `place`. */
  given(place: Place): void {
    const { longer } = this;
    const typed = longer === undefined ? undefined : typedSince(longer.place, place);
    if (longer === undefined || typed === undefined) {
      this.dispose();
    } else if (typed !== "") {
      this.wanted(place); // when a word is accepted the editor goes back to the first lines
    } else if (longer.asked) {
      this.dispose();
      this.screen.replace(place);
    }
  }

  dispose(): void {
    this.longer = undefined;
    clearTimeout(this.timer);
  }

  private ask(place: Place, tries: number): void {
    if (!this.screen.isAt(place) || tries === 0) {
      return;
    }
    this.longer = { place, asked: true };
    this.screen.askIfShown();
    this.timer = setTimeout(() => this.ask(place, tries - 1), TRY_EVERY_MS);
  }
}
