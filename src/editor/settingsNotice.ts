import * as vscode from "vscode";
import type { CommandId } from "./commandIds";
import type { Log } from "./log";

const OPEN_SETTINGS: CommandId = "lacuna.openSettings";

/**
 * Tells of values of settings that are not used: all of them in the log (and, as long as it is so, in the status bar), and those that are
 * another machine's in a message, since nothing in the settings themselves shows it.
 */
export const reportSettings =
  (log: Pick<Log, "write">) =>
  (problem: string, why: "invalid" | "elsewhere"): void => {
    log.write("warn", problem);
    if (why === "elsewhere") {
      void tell(problem);
    }
  };

async function tell(problem: string): Promise<void> {
  const open = "Open Settings";
  if ((await vscode.window.showWarningMessage(`Lacuna: ${problem}`, open)) === open) {
    await vscode.commands.executeCommand(OPEN_SETTINGS);
  }
}
