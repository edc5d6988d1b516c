import type { TraceEvent } from "./trace";

/**
 * What a person who types what a trace says would have accepted: a suggestion all of which they type next. Nobody accepts text that has been
 * accepted already, so that suggestions within it do not count.
 */
export class Acceptance {
  /** Characters typed in one go after each event, up to the next move or deletion. */
  private readonly typed: readonly string[];
  /** Event up to which everything has been accepted. */
  private until = -1;

  constructor(private readonly events: readonly TraceEvent[]) {
    const typed: string[] = new Array<string>(events.length).fill("");
    for (let at = events.length - 2; at >= 0; at--) {
      const next = events[at + 1]!;
      const goesOn = next.to === undefined && (next.back ?? 0) === 0;
      typed[at] = goesOn ? (next.text ?? "") + typed[at + 1]! : "";
    }
    this.typed = typed;
  }

  /** A suggestion is shown after an event. Returns how many of its characters are accepted. */
  shown(event: number, text: string): number {
    const wanted = text.trimEnd();
    if (event < this.until || wanted === "" || !this.typed[event]!.startsWith(wanted)) {
      return 0;
    }
    let left = wanted.length;
    for (let at = event + 1; at < this.events.length && left > 0; at++) {
      left -= this.events[at]!.text?.length ?? 0;
      this.until = at;
    }
    return wanted.length;
  }
}
