import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../engine/clock";
import { Acceptance } from "./acceptance";
import type { Asked } from "./phases";
import { SimulatedEditor } from "./simulatedEditor";
import type { System, Usage, Watcher } from "./system";
import { changesText, durationOf, type Trace } from "./trace";

/** What became of one change of the text. */
export interface KeyResult {
  /** Milliseconds to the first text; undefined: none before the next key. */
  readonly firstMs?: number;
  /** The first text came from the model, not from what was known. */
  readonly asked?: boolean;
  /** Where the time to it went, if so and as far as the system tells. */
  readonly modelWork?: Asked;
  /** Characters of the first text that the person then typed, where they would have accepted it. */
  readonly acceptedCharacters?: number;
  /** Milliseconds to all of the suggestion; undefined: not before the next key. */
  readonly fullMs?: number;
  /** Milliseconds until it was known whether there is a suggestion; undefined: not before the next key. */
  readonly answerMs?: number;
  /** Milliseconds until the next key, as it was. */
  readonly gapMs: number;
}

export interface Run {
  readonly keys: readonly KeyResult[];
  readonly usage: Usage;
  /** How long the trace takes at its own speed. */
  readonly traceMs: number;
}

/** Nobody types in a file at the moment when it opens. */
export const OPEN_MS = 1_000;

/** The last suggestion of a trace has this long to come. */
const TAIL_MS = 1_500;

/**
 * Does what a trace says, at `speed` times its pace, and takes the times. Waits until the system has nothing more to do.
 * @throws the signal's reason
 */
export async function replay(
  trace: Trace,
  system: System,
  document: string,
  speed: number,
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<Run> {
  const editor = new SimulatedEditor(document, trace.language, trace);
  system.open(editor);
  const acceptance = new Acceptance(trace.events);
  const keys: { -readonly [K in keyof KeyResult]: KeyResult[K] }[] = [];
  const running: Promise<void>[] = [];
  const read: (() => void)[] = [];
  let controller = new AbortController();
  let due = performance.now() + OPEN_MS / speed;
  for (const [index, event] of trace.events.entries()) {
    due += event.ms / speed;
    await sleep(Math.max(0, due - performance.now()), undefined, { signal });
    controller.abort();
    controller = new AbortController();
    editor.apply(event);
    onShare((index + 1) / trace.events.length);
    if (!changesText(event)) {
      system.moved(editor);
      continue;
    }
    const gapMs = (trace.events[index + 1]?.ms ?? TAIL_MS) / speed;
    const key: (typeof keys)[number] = { gapMs };
    keys.push(key);
    const at = now();
    const still = controller.signal;
    const elapsed = (): number => now() - at;
    const watcher: Watcher = {
      signal: still,
      first: (text, asked, log) => {
        if (!still.aborted && key.firstMs === undefined) {
          key.acceptedCharacters = acceptance.shown(index, text);
          const firstMs = elapsed();
          key.firstMs = firstMs;
          key.answerMs ??= firstMs;
          key.asked = asked;
          if (asked && log !== undefined) {
            read.push(() => {
              const work = log.asked(at, at + firstMs);
              Object.assign(key, work === undefined ? {} : { modelWork: work });
            });
          }
        }
      },
      full: () => {
        if (!still.aborted) {
          key.fullMs ??= elapsed();
        }
      },
    };
    running.push(
      system.changed(editor, watcher).then(() => {
        if (!still.aborted) {
          key.answerMs ??= elapsed();
        }
      }),
    );
  }
  await sleep(TAIL_MS / speed, undefined, { signal });
  controller.abort();
  await Promise.all(running);
  const usage = await system.finish();
  read.forEach((work) => work());
  return { keys, usage, traceMs: OPEN_MS + durationOf(trace) + TAIL_MS };
}
