import type { SimulatedEditor } from "../latency/simulatedEditor";

/** Something that completes: what it would show at the cursor, once all of it is there. */
export interface TextSystem {
  /** @returns LF only; "" for nothing */
  suggest(editor: SimulatedEditor, path: string, signal: AbortSignal): Promise<string>;
  dispose(): Promise<void>;
}

export interface TextSystemKind {
  readonly name: string;
  start(signal: AbortSignal): Promise<TextSystem>;
}
