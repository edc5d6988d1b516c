import assert from "node:assert/strict";
import * as vscode from "vscode";
import { closeAll, cursorAfter, EXTENSION_ID, lacuna, open, setting, sleep, until } from "./helpers";

interface Manifest {
  readonly enabledApiProposals?: unknown;
  readonly contributes: { readonly commands: readonly { command: string }[] };
}

describe("the extension", () => {
  before(lacuna);
  afterEach(closeAll);

  it("uses no proposed API", () => {
    const manifest = vscode.extensions.getExtension(EXTENSION_ID)!.packageJSON as Manifest;
    assert.equal(manifest.enabledApiProposals, undefined);
  });

  it("runs where proposed API is refused", () => {
    // The test host restores VS Code's check; without it the provider below would be accepted with a third argument.
    const provider = { provideInlineCompletionItems: () => [], handleDidShowCompletionItem: () => undefined };
    assert.throws(
      () => vscode.languages.registerInlineCompletionItemProvider({ scheme: "none" }, provider),
      /proposed/i,
    );
  });

  it("registers every command that it contributes", async () => {
    const manifest = vscode.extensions.getExtension(EXTENSION_ID)!.packageJSON as Manifest;
    const registered = new Set(await vscode.commands.getCommands(true));
    for (const { command } of manifest.contributes.commands) {
      assert.ok(registered.has(command), command);
    }
  });

  it("snoozes and wakes up", async () => {
    const api = await lacuna();
    await open("src/inventory.ts");
    await vscode.commands.executeCommand("lacuna.snooze", 5);
    await until("snoozed", () => api.statusBar.view.text.includes("snoozed for 5 more minutes"));
    await vscode.commands.executeCommand("lacuna.endSnooze");
    await until("awake", () => !api.statusBar.view.text.includes("snoozed"));
  });

  it("toggles completions, for all and for a language", async () => {
    const api = await lacuna();
    await open("scripts/words.py");
    await vscode.commands.executeCommand("lacuna.toggle");
    await until("off", () => api.statusBar.view.text.includes("switched off"));
    await vscode.commands.executeCommand("lacuna.toggle");
    await until("on", () => !api.statusBar.view.text.includes("switched off"));
    await vscode.commands.executeCommand("lacuna.toggleLanguage");
    await until("off for Python", () => api.statusBar.view.text.includes("switched off for python"));
    await vscode.commands.executeCommand("lacuna.toggleLanguage");
    await until("on for Python", () => !api.statusBar.view.text.includes("switched off"));
  });

  it("makes no mask of a file that is not to be read, and forgets what it said of another place", async () => {
    const api = await lacuna();
    const editor = await open("src/queue.js");
    cursorAfter(editor, "class Prio");
    await vscode.commands.executeCommand("lacuna.complete");
    await until("the reason", () => api.statusBar.view.tooltip.includes("inside a word"));
    await setting("secretFiles", ["inventory.ts"]);
    const { document } = await open("src/inventory.ts");
    await until("a secret", () => api.statusBar.view.text.includes("looks like a secret"));
    assert.doesNotMatch(api.statusBar.view.tooltip, /inside a word/);
    void vscode.commands.executeCommand("lacuna.recomputeMask"); // shows a message, which stays
    await sleep(3_000);
    assert.equal(api.sparsity.maskOf(document), undefined);
    await setting("secretFiles", undefined);
  });

  it("opens dashboard, log, settings and walkthrough", async () => {
    for (const command of ["showDashboard", "showLog", "openSettings", "openWalkthrough"]) {
      await vscode.commands.executeCommand(`lacuna.${command}`);
    }
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    assert.ok(tabs.some((tab) => tab.label === "Lacuna Dashboard"));
  });
});
