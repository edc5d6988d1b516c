import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import Mocha from "mocha";
import * as vscode from "vscode";

/** For a window of several folders; all others are for one of a single folder. */
const SEVERAL_FOLDERS = "folders.suite.cjs";

/** Entry point of VS Code's test run: the suites beside this file that are for such a window. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: 60_000, color: true, slow: 5_000, forbidOnly: true });
  const grep = process.env.LACUNA_TEST_GREP;
  if (grep !== undefined) {
    mocha.grep(grep);
  }
  const several = vscode.workspace.workspaceFile !== undefined;
  const suites = readdirSync(__dirname).filter((file) => file.endsWith(".suite.cjs"));
  for (const name of suites.filter((file) => (file === SEVERAL_FOLDERS) === several)) {
    mocha.addFile(path.join(__dirname, name));
  }
  let passes = 0;
  const failures = await new Promise<number>((resolve) => {
    mocha.run(resolve).on("pass", () => passes++);
  });
  // The launcher believes this file only: an extension host that dies ends with exit code 0.
  if (process.env.LACUNA_TEST_REPORT !== undefined) {
    writeFileSync(process.env.LACUNA_TEST_REPORT, JSON.stringify({ passes, failures }));
  }
  if (failures > 0) {
    throw new Error(`${failures} host ${failures === 1 ? "test" : "tests"} failed.`);
  }
}
