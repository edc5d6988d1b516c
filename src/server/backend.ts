import type { AnchorReason } from "../completion/anchor";
import type { CompleteRequest, Prefill, StopReason, Timing, WarmRequest } from "../engine/protocol";

/** How a server is spoken to. */
export const SERVER_KINDS = ["llama-server", "openai", "ollama"] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];

/** What a server turned out to be. */
export interface Served {
  readonly kind: ServerKind;
  /** As people call it, such as vLLM. */
  readonly product: string;
  readonly model: string;
  /** Tokens that prompt and answer may have together. */
  readonly contextSize: number;
  /** The family whose fill-in-the-middle format is used, or `suffix`: the server has its own; absent: it sees only what is before the cursor. */
  readonly fim?: string;
  /** The model can be shown recent edits. */
  readonly hasEdits: boolean;
}

export interface Call {
  readonly signal: AbortSignal;
  /** The prompt is made. */
  readonly onPrompt: () => void;
  /** Share of the prompt that has been evaluated, where the server tells. */
  readonly onRead: (share: number) => void;
  /** The next piece of text; true: no more of it is wanted, and the work on the server ends. */
  readonly onText: (text: string) => boolean;
}

/** What an answer has cost, as the server counts. */
export interface Written {
  readonly prefill: Prefill;
  readonly decode: Timing;
  /** Why there is no more; when {@link Call.onText} has stopped it, nobody looks at it. */
  readonly ended: StopReason;
  readonly anchored?: AnchorReason;
}

/** One server that is there, with its model. */
export interface Backend {
  readonly served: Served;
  /**
   * Resolves when the answer is complete or no more of it is wanted.
   * @throws {@link EngineFailure} when the server refuses or goes away; the signal's reason
   */
  complete(request: CompleteRequest, call: Call): Promise<Written>;
  /** Whether what answers is still what was found: for a server that may have been started anew. */
  isSame(signal: AbortSignal): Promise<boolean>;
  /** Lets the server evaluate a prompt before it is needed; resolves to nothing where it cannot. */
  warm(request: WarmRequest, signal: AbortSignal): Promise<Prefill>;
}
