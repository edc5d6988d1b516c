import type { EndingKind } from "../../../completion/ending/kind";
import type { Generated } from "../../../completion/inFlight";
import type { CompleteRequest, StopReason, WarmRequest } from "../../../engine/protocol";

/** The extension's defaults. */
const MAX_TOKENS = 64;
const MAX_LINES = 8;

/** How a generation has ended, as the extension's generator tells it. */
export const END: Readonly<Record<StopReason, Generated["end"]>> = {
  eos: "finished",
  "stop-rule": "finished",
  "max-lines": "finished",
  "max-tokens": "cut",
  deadline: "cut",
  cancelled: "stopped",
};

/** What the extension asks the engine for. */
export const completeRequest = (place: WarmRequest, kind: EndingKind): CompleteRequest => ({
  ...place,
  maxTokens: MAX_TOKENS,
  maxLines: kind === "line" ? 1 : MAX_LINES,
});
