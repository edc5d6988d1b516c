import type { Disposable } from "vscode";
import { tell } from "./commands";
import { codeOf, messageOf } from "./failures";
import type { EngineService } from "./engineService";
import type { InlineProvider } from "./inlineProvider";

/** Failures that a person can do something about; the others are in the status bar and the log. */
const WORTH_TELLING = new Set(["model-missing", "model-unreadable", "model-unsupported", "out-of-memory"]);

/** Tells a failure of a completion once, not with every keystroke. */
export function noticeFailures(provider: InlineProvider, engine: EngineService): Disposable {
  const told = new Set<string>();
  return provider.onDidFail((error) => {
    const message = messageOf(error);
    const code = codeOf(error) ?? "";
    // After a crash it starts again by itself, until it gives up.
    const lasting = WORTH_TELLING.has(code) || (code === "engine-crashed" && engine.state.kind === "failed");
    if (lasting && !told.has(message)) {
      told.add(message);
      void tell(message);
    }
  });
}
