import type { Served } from "../../server/backend";
import type { ServiceState } from "./serverService";

/** The server as the status bar shows it; there is one when an address is set. */
export interface ServerStatus {
  /** As people write it. */
  readonly address: string;
  readonly state: ServiceState;
  /** Completions come from there, or would; otherwise the model on this machine completes meanwhile. */
  readonly isServed: boolean;
}

export interface ServerHeadline {
  readonly icon: string;
  readonly words: string;
  readonly severity: "normal" | "warning" | "error";
}

/** Host and port: what tells one server from another. */
export const hostOf = (address: string): string => address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

const AWAY: Readonly<Record<"gone" | "loading" | "busy", ServerHeadline>> = {
  gone: { icon: "debug-disconnect", words: "Lacuna: server away", severity: "warning" },
  loading: { icon: "loading~spin", words: "Lacuna: server is loading", severity: "normal" },
  busy: { icon: "watch", words: "Lacuna: server is busy", severity: "normal" },
};

/** Undefined while it completes: then figures are shown. */
export function serverHeadline({ state }: ServerStatus): ServerHeadline | undefined {
  switch (state.kind) {
    case "none":
    case "up":
      return undefined;
    case "unasked":
    case "asking":
      return { icon: "loading~spin", words: "Lacuna: connecting", severity: "normal" };
    case "unconfirmed":
      return { icon: "question", words: "Lacuna: server not confirmed", severity: "normal" };
    case "away":
      return AWAY[state.what];
    case "refused":
      return { icon: "error", words: "Lacuna: server refuses", severity: "error" };
  }
}

/** For the model that stands in. */
export function serverSign({ state }: ServerStatus): string | undefined {
  switch (state.kind) {
    case "away":
      return AWAY[state.what].words.replace("Lacuna: ", "");
    case "refused":
      return "server refuses";
    case "unconfirmed":
      return "server not confirmed";
    default:
      return undefined;
  }
}

/** One sentence, without figures that change. */
export function serverSentence({ address, state, isServed }: ServerStatus): string {
  const meanwhile = isServed
    ? "There are no completions until then."
    : "The model on this machine completes meanwhile.";
  switch (state.kind) {
    case "none":
    case "unasked":
    case "asking":
      return `connecting to ${address}`;
    case "up":
      return `completions come from ${state.served.product} at ${address}`;
    case "unconfirmed":
      return `nobody has agreed that code goes to ${address}. ${meanwhile}`;
    case "away":
    case "refused":
      return `${state.why} ${meanwhile}`;
  }
}

export const servedRow = ({ model, product, contextSize, fim }: Served): string =>
  `${model} on ${product}, context ${contextSize}, ${fim === undefined ? "prefix only" : `fills in (${fim})`}`;

/** What only the engine on this machine can do. */
export const LOCAL_ONLY =
  "masks, attribution and memory are those of a model on this machine; a server runs dense";
