import type { RequestLog } from "./phases";
import type { SimulatedEditor } from "./simulatedEditor";
import type { Trace } from "./trace";

/** What a system tells about a change of the text. */
export interface Watcher {
  /** Aborted by the next thing that the person does. */
  readonly signal: AbortSignal;
  /**
   * There is text to be shown.
   * @param text all that there is so far
   * @param asked the model had to be asked, or was already writing; false: it was known from before
   * @param log of the request that it comes from, where the system keeps one
   */
  readonly first: (text: string, asked: boolean, log?: RequestLog) => void;
  /** All of it is there. */
  readonly full: () => void;
}

/** What a run cost, apart from time. */
export interface Usage {
  /** Prompt tokens and generated ones. */
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Prompt tokens whose text had been evaluated before; absent where the system does not tell. */
  readonly againTokens?: number;
  /** Of the process that runs the model, since the trace began; undefined where the system does not tell. */
  readonly cpuSeconds: number | undefined;
  /** Of the same process, at the end. */
  readonly residentBytes: number | undefined;
  readonly requests: number;
  /** Suggestions that were shown, and those of them that leave something begun; absent where the system does not tell. */
  readonly offers?: { readonly texts: number; readonly fragments: number };
  /** Absent where the system does not tell. */
  readonly decoding?: Decoding;
}

/** How tokens were written. */
export interface Decoding {
  /** Written, and milliseconds that they took; the first of a completion comes out of its prompt and is not counted. */
  readonly tokens: number;
  readonly ms: number;
  /** Drafted by prompt lookup, and of those the ones that the model wrote, too. */
  readonly proposed: number;
  readonly accepted: number;
}

/** Something that completes while a trace is replayed: started anew for each trace. */
export interface System {
  /** The file has just been opened. */
  open(editor: SimulatedEditor): void;
  /** The text has changed: resolves when nothing more comes of it. */
  changed(editor: SimulatedEditor, watcher: Watcher): Promise<void>;
  /** The cursor has moved, the text has not changed. */
  moved(editor: SimulatedEditor): void;
  /** Waits until nothing runs any more. */
  finish(): Promise<Usage>;
  dispose(): Promise<void>;
}

export interface SystemKind {
  readonly name: string;
  start(trace: Trace): Promise<System>;
}
