import { endOf } from "./ending/end";
import { endingKind, type EndingKind } from "./ending/kind";
import { mended } from "./ending/mend";
import { applyFilters } from "./filters";
import { Readings } from "./lexical/reading";
import type { Place } from "./place";
import { replacedLength } from "./replaceRange";
import type { Syntax } from "./syntaxTree";

/**
 * How far a generation is: still going on; over because the model had finished; cut off because it was long enough; or still going on, but to be
 * shown as it is.
 */
export type Progress = "open" | "finished" | "cut" | "early";

/** Makes suggestions of what a model writes: chooses the ending, cuts there, filters. */
export class Shaper {
  private readonly readings = new Readings();

  /** @param syntax absent: by indentation alone */
  constructor(private readonly syntax?: Syntax) {}

  /** How much of the line right of the cursor the suggestion `text` takes the place of, in code units. */
  replaced(text: string, place: Place): number {
    return replacedLength(text, this.readings.at(place));
  }

  /** What a completion at `place` is asked for. */
  kind(at: Place): EndingKind {
    const place = { ...at, reading: this.readings.at(at) };
    const { document, language, prefix, suffix } = place;
    const byTree = this.syntax?.parse(document, language, prefix + suffix, (root) =>
      endingKind(place, { root, offset: prefix.length }),
    );
    return byTree ?? endingKind(place);
  }

  /**
   * The suggestion that `raw`, what the model has written at `place` so far, amounts to: "" for nothing, undefined when more of it is needed.
   */
  shape(kind: EndingKind, at: Place, raw: string, progress: Progress): string | undefined {
    const reading = this.readings.at(at);
    const place = { ...at, reading };
    const end = endOf(kind, place, raw, progress !== "open");
    if (end === undefined) {
      return undefined;
    }
    const truncated = progress === "cut" && raw.slice(end).trim() === "";
    const text = applyFilters(raw.slice(0, end), { ...place, truncated });
    if (text === "" || progress === "early") {
      return text;
    }
    return mended(text, place, this.syntax, reading);
  }
}
