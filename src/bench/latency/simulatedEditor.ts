import type { Place } from "../../completion/place";
import type { Trace, TraceEvent } from "./trace";

/** Lines that the editor shows to a completion, as in the extension. */
const LINES_BEFORE = 512;
const LINES_AFTER = 128;
const STEP = 64;

/** A document under a trace's events. */
export class SimulatedEditor {
  private before: string;
  private after: string;

  /** @param document its identifier: caches know it by that */
  constructor(
    readonly document: string,
    private readonly language: string,
    { text, offset }: Pick<Trace, "text" | "offset">,
  ) {
    this.before = text.slice(0, offset);
    this.after = text.slice(offset);
  }

  get text(): string {
    return this.before + this.after;
  }

  /** Line of the cursor, from 0. */
  get line(): number {
    return this.before.split("\n").length - 1;
  }

  apply({ to, back = 0, over = 0, text = "", behind = "" }: TraceEvent): void {
    if (to !== undefined) {
      const whole = this.text;
      this.before = whole.slice(0, to);
      this.after = whole.slice(to);
    }
    this.before = this.before.slice(0, this.before.length - back) + text;
    this.after = behind + this.after.slice(over);
  }

  /** As the extension sees it: the text round the cursor, within its windows. */
  place(): Place {
    const above = this.before.split("\n");
    const first = Math.max(0, Math.floor((above.length - 1 - LINES_BEFORE) / STEP) * STEP);
    return {
      document: this.document,
      language: this.language,
      offset: this.before.length,
      prefix: above.slice(first).join("\n"),
      suffix: this.lines(LINES_AFTER),
    };
  }

  /** The lines above the cursor's, at most `count`; the line up to the cursor; the rest of it; the lines below, at most `below`. */
  surroundings(count: number, below: number): Surroundings {
    const above = this.before.split("\n");
    const under = this.after.split("\n");
    return {
      above: above.slice(0, -1).slice(-count),
      linePrefix: above.at(-1)!,
      lineSuffix: under[0]!,
      below: under.slice(1, 1 + below),
    };
  }

  private lines(count: number): string {
    let end = -1;
    for (let line = 0; line < count; line++) {
      end = this.after.indexOf("\n", end + 1);
      if (end < 0) {
        return this.after;
      }
    }
    return this.after.slice(0, end + 1);
  }
}

export interface Surroundings {
  readonly above: readonly string[];
  readonly linePrefix: string;
  readonly lineSuffix: string;
  readonly below: readonly string[];
}
