import path from "node:path";
import type { GgufHeader } from "./gguf";

/** What a model was trained for last. */
export type Tuning = "chat" | "completion";

const CHAT = /instruct|chat|(?:^|[-_. ])it(?:[-_. ]|$)/i;
const COMPLETION = /code|fim/i;

/**
 * By what a file says of itself and by its name, which may be the user's own. Undefined: neither tells.
 * @param header absent: it cannot be read
 */
export function tuningOf(file: string, header?: Pick<GgufHeader, "metadata">): Tuning | undefined {
  const said = ["general.finetune", "general.name", "general.basename"].map((key) =>
    header?.metadata.get(key),
  );
  const names = [path.basename(file), ...said].filter((name) => typeof name === "string");
  const matches = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  return matches(CHAT) ? "chat" : matches(COMPLETION) ? "completion" : undefined;
}
