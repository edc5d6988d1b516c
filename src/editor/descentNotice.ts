import * as vscode from "vscode";
import { processorName, type Descent } from "../engine/client";
import type { CommandId } from "./commandIds";
import type { Log } from "./log";

/** Says, once for a binary and processor, that the engine runs more slowly than it was made for. */
export function noticeDescent({ rung, signal }: Descent, log: Pick<Log, "write">): void {
  log.write(
    "warn",
    `The engine works ${rung.how}; with more it was ended by ${signal} on ${processorName()}. "Lacuna: Restart Engine" tries that again.`,
  );
  void tell(rung.how, signal);
}

async function tell(how: string, signal: string): Promise<void> {
  const actions: readonly (readonly [string, CommandId])[] = [
    ["Show Log", "lacuna.showLog"],
    ["Try Full Speed Again", "lacuna.restartEngine"],
  ];
  const picked = await vscode.window.showWarningMessage(
    `Lacuna: the engine's fastest code does not run on this processor (${signal}), so it runs ${how} and more slowly; please report it with what the log says.`,
    ...actions.map(([title]) => title),
  );
  const action = actions.find(([title]) => title === picked);
  if (action !== undefined) {
    await vscode.commands.executeCommand(action[1]);
  }
}
