import { placeAfter, type Place } from "../../completion/place";
import type { Shaper } from "../../completion/shaper";
import type { InsertionHole } from "./holes";

/** What came of a hole. */
export interface Accepted {
  /** The file after Tab, and Tab again while there is more of what the model wrote. */
  readonly file: string;
  /** What was shown first. */
  readonly first: string;
  /** Milliseconds of each time that something was shaped. */
  readonly ms: readonly number[];
}

/** Suggestions in a row that are accepted at most. */
const MAX_TABS = 12;

/** Accepts what is made of the model's text, one suggestion after the other, as an editor inserts it. */
export function accept(
  { place: start, raw }: InsertionHole,
  shaper: Pick<Shaper, "kind" | "shape" | "replaced">,
): Accepted {
  let place: Place = start;
  let rest = raw;
  let first: string | undefined;
  const ms: number[] = [];
  for (let tab = 0; tab < MAX_TABS && rest.trim() !== ""; tab++) {
    const began = performance.now();
    const text = shaper.shape(shaper.kind(place), place, rest, "finished") ?? "";
    const replaced = shaper.replaced(text, place);
    ms.push(performance.now() - began);
    first ??= text;
    if (text === "") {
      break;
    }
    place = placeAfter(place, text, replaced);
    if (!rest.startsWith(text)) {
      break;
    }
    rest = rest.slice(text.length);
  }
  return { file: place.prefix + place.suffix, first: first ?? "", ms };
}
