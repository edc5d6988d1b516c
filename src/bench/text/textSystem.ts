import type { SimulatedEditor } from "../latency/simulatedEditor";
import type { TextCase } from "./cases";
import type { Shown } from "./measures";

/** Something that completes: what it would show at the cursor, once all of it is there. */
export interface TextSystem {
  /** @param editor with the file of `asked`, the cursor in its hole */
  suggest(editor: SimulatedEditor, asked: TextCase, signal: AbortSignal): Promise<Shown>;
  dispose(): Promise<void>;
}

export interface TextSystemKind {
  readonly name: string;
  start(signal: AbortSignal): Promise<TextSystem>;
}
