import * as vscode from "vscode";
import type { CommandId } from "../commandIds";
import type { ServerService } from "./serverService";

const ACTIONS: readonly (readonly [string, CommandId])[] = [
  ["Set Server Key", "lacuna.setServerKey"],
  ["Open Settings", "lacuna.openSettings"],
  ["Show Log", "lacuna.showLog"],
];

/** Tells once what a server refuses: it lasts until a person does something. That one is away comes and goes, and the status bar tells it. */
export function noticeRefusal(server: Pick<ServerService, "onDidChange">): vscode.Disposable {
  const told = new Set<string>();
  return server.onDidChange((state) => {
    if (state.kind === "refused" && !told.has(state.why)) {
      told.add(state.why);
      void tell(state.why);
    }
  });
}

async function tell(why: string): Promise<void> {
  const picked = await vscode.window.showErrorMessage(`Lacuna: ${why}`, ...ACTIONS.map(([title]) => title));
  const action = ACTIONS.find(([title]) => title === picked);
  if (action !== undefined) {
    await vscode.commands.executeCommand(action[1]);
  }
}
