import * as vscode from "vscode";
import type { CONTEXT_KEYS } from "./commandIds";
import type { Config } from "./config";
import type { Eligibility } from "./eligibility";

/** Keeps the context keys that enable commands up to date. */
export function followContextKeys(config: Config, eligibility: Eligibility): vscode.Disposable {
  const known = new Map<string, boolean>();
  const set = (key: (typeof CONTEXT_KEYS)[number], value: boolean): void => {
    if (known.get(key) !== value) {
      known.set(key, value);
      void vscode.commands.executeCommand("setContext", key, value);
    }
  };
  const update = (): void => {
    const document = vscode.window.activeTextEditor?.document;
    set("lacuna.enabled", config.settings.enabled);
    set("lacuna.snoozed", eligibility.snoozed);
    set("lacuna.eligible", document !== undefined && eligibility.checkFile(document) === undefined);
  };
  update();
  return vscode.Disposable.from(eligibility.onDidChange(update), config.onDidChange(update));
}
