import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { LacunaApi } from "../../src/extension";
import { accept, closeAll, lacuna, setting, until, untitled } from "./helpers";

const CODE =
  "export function one(a: number) {\n  return a + 1;\n}\n\nexport function two(a: number) {\n  │\n}\n";

describe("settings that stand against each other", () => {
  let api: LacunaApi;
  before(async () => {
    api = await lacuna();
    await api.engine.ready();
  });
  const set: string[] = [];
  afterEach(async () => {
    for (const name of set.splice(0)) {
      await setting(name, undefined);
    }
    await closeAll();
  });
  async function settings(values: Readonly<Record<string, unknown>>): Promise<void> {
    for (const [name, value] of Object.entries(values)) {
      set.push(name);
      await setting(name, value);
    }
  }
  const says = (text: string): boolean => api.statusBar.view.tooltip.replaceAll("\\", "").includes(text);

  it("are told as long as it is so, and completions come", async () => {
    await settings({ contextSize: 512, window: 1_024, maxTokens: 512, serverModel: "qwen" });
    const told = [
      "Setting lacuna.window (1024 tokens) does not fit into lacuna.contextSize (512)",
      "Setting lacuna.maxTokens (512) is more than half of lacuna.contextSize (512): a completion ends after 256 tokens.",
      "Setting lacuna.serverModel does nothing as long as lacuna.server is empty.",
    ];
    for (const text of told) {
      await until(text, () => says(text));
    }
    const editor = await untitled(CODE);
    assert.notEqual((await accept(editor)).trim(), "");
    await settings({
      contextSize: undefined,
      window: undefined,
      maxTokens: undefined,
      serverModel: undefined,
    });
    for (const text of told) {
      await until(`no more ${text}`, () => !says(text));
    }
  });

  it("leave a mask of what fits", async () => {
    await settings({ contextSize: 512, window: 1_024, sparsity: 0.5 });
    const { document } = await untitled(CODE.replace("│", "return a + 2;").repeat(20) + CODE);
    const { signal } = new AbortController();
    const { activeRatio, attribution } = await api.sparsity.recompute(document, signal, () => undefined);
    assert.equal(activeRatio, 0.5);
    assert.ok(attribution.tokens > 0 && attribution.tokens < 512, String(attribution.tokens));
  });

  it("say why nothing appears where the editor does not ask, and whoever asks has a suggestion", async () => {
    const off = "VS Code's editor.inlineSuggest.enabled is off";
    const editorSettings = vscode.workspace.getConfiguration("editor");
    const editor = await untitled(CODE);
    assert.ok(!says(off));
    await editorSettings.update("inlineSuggest.enabled", false, vscode.ConfigurationTarget.Global);
    try {
      await until("the reason", () => says(`No suggestions: ${off}.`));
      assert.ok(api.statusBar.view.text.includes(off));
      assert.notEqual((await accept(editor)).trim(), "");
    } finally {
      await editorSettings.update("inlineSuggest.enabled", undefined, vscode.ConfigurationTarget.Global);
    }
    await until("no reason any more", () => !says(off));
  });
});
