import type { EndingKind } from "../../completion/ending/kind";
import type { CompleteRequest, WarmRequest } from "../../engine/protocol";

/** The extension's defaults. */
const MAX_TOKENS = 64;
const MAX_LINES = 8;

/** What the extension asks the engine for. */
export const completeRequest = (place: WarmRequest, kind: EndingKind): CompleteRequest => ({
  ...place,
  maxTokens: MAX_TOKENS,
  maxLines: kind === "line" ? 1 : MAX_LINES,
});
