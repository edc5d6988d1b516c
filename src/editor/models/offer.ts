import * as vscode from "vscode";
import type { Config } from "../config";
import type { EngineService } from "../engineService";

const OFFERED = "lacuna.modelOffered";

/**
 * Once the model that comes with Lacuna has been loaded for the first time, says that there are better ones; never again after that, whatever the
 * answer is.
 */
export function offerModel(
  engine: EngineService,
  config: Config,
  state: vscode.Memento,
  bundled: string | undefined,
): vscode.Disposable {
  const subscription = engine.onDidChangeModel(() => {
    const isSmall = config.settings.model === "" && bundled !== undefined && engine.model?.path === bundled;
    if (!isSmall || state.get<boolean>(OFFERED) === true) {
      return;
    }
    subscription.dispose();
    void state.update(OFFERED, true);
    const show = "Show Models";
    void vscode.window
      .showInformationMessage(
        "Lacuna completes with the small model that comes with it. A larger one, fetched once, completes far more.",
        show,
        "No, Thanks",
      )
      .then((picked) => (picked === show ? vscode.commands.executeCommand("lacuna.getModel") : undefined));
  });
  return subscription;
}
