import { endOf } from "./ending/end";
import { closersAtEnd } from "./ending/closers";
import { asksTree, endingKind, type EndingKind } from "./ending/kind";
import { excerptOf } from "./ending/excerpt";
import { whiteSpaceBeforeCloser } from "./ending/whiteSpace";
import { wholePart } from "./ending/whole";
import { mended } from "./ending/mend";
import { surroundings } from "./ending/surroundings";
import { applyFilters } from "./filters";
import { partialToken } from "./filters/partialToken";
import type { LanguageConfigurations } from "./lexical/configured";
import { Readings } from "./lexical/reading";
import type { Place } from "./place";
import { replacedLength } from "./replaceRange";
import type { Syntax } from "./syntaxTree";
import { whyNotHere, type TriggerKind } from "./trigger";

/**
 * How far a generation is: still going on; over because the model had finished; cut off because it was long enough; broken off because its time was over;
 * or still going on, but to be shown as it is.
 */
export type Progress = "open" | "finished" | "cut" | "expired" | "early";

export interface Suggestion {
  /** "" for nothing. */
  readonly text: string;
  /** It was cut or mended, so that it fits where it stands: what the model would go on with does not. */
  readonly fitted: boolean;
}

/** Makes suggestions of what a model writes: chooses the ending, cuts there, filters. */
export class Shaper {
  private readonly readings: Readings;

  /**
   * @param syntax absent: by indentation alone
   * @param configurations what an editor knows of languages; absent: by the table alone
   */
  constructor(
    private readonly syntax?: Syntax,
    configurations?: LanguageConfigurations,
  ) {
    this.readings = new Readings(configurations);
  }

  /** Why `place` does not lend itself to a completion, as a short phrase; undefined when it does. */
  whyNotHere(place: Place, kind: TriggerKind): string | undefined {
    return whyNotHere({ ...place, reading: this.readings.at(place) }, kind);
  }

  /** How much of the line right of the cursor the suggestion `text` takes the place of, in code units. */
  replaced(text: string, place: Place): number {
    return replacedLength(text, this.readings.at(place));
  }

  /** What a completion at `place` is asked for. */
  kind(at: Place): EndingKind {
    const place = { ...at, reading: this.readings.at(at) };
    if (this.syntax?.reads(place.language) !== true || !asksTree(place)) {
      return endingKind(place);
    }
    const around = surroundings(place);
    const excerpt = excerptOf(around.reading, around.context.suffix, place.language);
    if (excerpt === undefined) {
      return endingKind(place);
    }
    const { head, end } = excerpt;
    const offset = head.length;
    const text = head + place.suffix.slice(0, end) + closersAtEnd(around, "", 0, excerpt);
    const byTree = this.syntax.parse(place.document, place.language, text, (root) =>
      endingKind(place, { root, offset }),
    );
    return byTree ?? endingKind(place);
  }

  /** The text of a suggestion: "" for nothing, undefined when more of what the model writes is needed. */
  shape(kind: EndingKind, place: Place, raw: string, progress: Progress): string | undefined {
    return this.suggestion(kind, place, raw, progress)?.text;
  }

  /**
   * The suggestion that `raw`, what the model has written at `place` so far, amounts to: undefined when more of it is needed. Of what was broken off
   * only what is whole is one.
   */
  suggestion(kind: EndingKind, at: Place, raw: string, progress: Progress): Suggestion | undefined {
    const reading = this.readings.at(at);
    const open = progress === "open" || progress === "expired";
    let end = endOf(kind, { ...at, reading }, raw, !open);
    if (end === undefined && progress === "expired") {
      end = wholePart({ ...at, reading }, raw) || undefined;
    }
    if (end === undefined) {
      return undefined;
    }
    const [cut, rest] = [raw.slice(0, end), raw.slice(end)];
    const isWhole = progress === "finished" && rest.trim() === "";
    const blank = isWhole ? whiteSpaceBeforeCloser(cut, rest, reading) : "";
    if (blank !== "") {
      // What stands right of the cursor is to stand behind it.
      const text = this.fitted(cut, { ...at, suffix: blank + at.suffix }, progress);
      if (signs(text) === signs(cut)) {
        return { text: text + blank, fitted: false };
      }
    }
    const truncated = progress === "cut" && rest.trim() === "";
    const text = this.fitted(cut, at, progress, truncated);
    return { text, fitted: signs(text) !== signs(partialToken(cut, { ...at, truncated })) };
  }

  /** What of `text` fits at `at`. @param truncated it may end within a word */
  private fitted(text: string, at: Place, progress: Progress, truncated = false): string {
    const reading = this.readings.at(at);
    const place = { ...at, reading };
    const filtered = applyFilters(text, { ...place, truncated });
    return filtered === "" || progress === "early" ? filtered : mended(filtered, place, this.syntax, reading);
  }
}

const signs = (text: string): string => text.replace(/\s+/g, "");
