import type { Place } from "./place";
import type { OnTrail, Trail } from "./trail";

/**
 * What models have said, by where they were asked. A cursor that has moved on by typing or accepting what a completion says is served the rest
 * of it. Bounded, least recently used first out.
 */
export class Trails {
  private trails: Trail[] = [];

  constructor(private readonly capacity = 100) {}

  add(trail: Trail): void {
    this.trails.push(trail);
    if (this.trails.length > this.capacity) {
      this.trails.shift();
    }
  }

  /** What is known for a place, the newest answer first. */
  at(place: Place): OnTrail {
    for (const trail of this.trails.toReversed()) {
      const found = trail.at(place);
      if (found.kind === "text") {
        this.trails = [...this.trails.filter((other) => other !== trail), trail];
        return found;
      }
    }
    return { kind: "none" };
  }

  /** Forgets what was said about a document, or about all of them: something else may be said now. `kept` stays. */
  forget(document?: string, kept?: Trail): void {
    this.trails = this.trails.filter(
      (trail) => trail === kept || (document !== undefined && trail.place.document !== document),
    );
  }
}
