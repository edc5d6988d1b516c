import type { Disposable } from "vscode";
import { tell } from "./commands";
import { codeOf, messageOf } from "./engineService";
import type { InlineProvider } from "./inlineProvider";

/** Failures that a person can do something about; the others are in the status bar and the log. */
const WORTH_TELLING = new Set(["model-missing", "model-unreadable", "model-unsupported", "out-of-memory"]);

/** Tells a failure of a completion once, not with every keystroke. */
export function noticeFailures(provider: InlineProvider): Disposable {
  const told = new Set<string>();
  return provider.onDidFail((error) => {
    const message = messageOf(error);
    if (WORTH_TELLING.has(codeOf(error) ?? "") && !told.has(message)) {
      told.add(message);
      void tell(message);
    }
  });
}
