import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import type { LacunaApi } from "../../src/extension";
import { accept, closeAll, lacuna, open, setting, sleep, until, untitled } from "./helpers";

const ADD = "function one(a, b) {\n  return a + b;\n}\n\nfunction two(a, b) {│\n";

describe("the engine", () => {
  let api: LacunaApi;
  let folder: string;
  before(async () => {
    api = await lacuna();
    await api.engine.ready();
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-model-"));
  });
  after(async () => {
    await setting("model", undefined);
    await setting("contextSize", undefined);
    await api.engine.ready();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(closeAll);

  it("shows speed, memory and share in the status bar", async () => {
    await accept(await untitled(ADD, "javascript"));
    const view = await until(
      "figures",
      () => /\d+(\.\d)? tok\/s · \d+ MB · \d+ %/.test(api.statusBar.view.text) && api.statusBar.view,
    );
    assert.match(view.tooltip, /Decode \| \d+ tokens in \d+ ms/);
    assert.match(view.tooltip, /command:lacuna\.setSparsity/);
  });

  it("recovers when it is killed during a request", async () => {
    const editor = await untitled(ADD, "javascript");
    const { pid } = api.engine;
    assert.ok(pid !== undefined);
    void vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    await sleep(30);
    process.kill(pid, "SIGKILL");
    await until("another process", () => api.engine.pid !== undefined && api.engine.pid !== pid);
    assert.notEqual((await accept(editor, 30_000)).trim(), "");
  });

  it("restarts on command", async () => {
    const { pid } = api.engine;
    await vscode.commands.executeCommand("lacuna.restartEngine");
    await until("another process", () => api.engine.pid !== undefined && api.engine.pid !== pid);
    assert.notEqual((await accept(await untitled(ADD, "javascript"), 30_000)).trim(), "");
  });

  it("frees the model and loads it again on demand", async () => {
    await api.engine.unload("a test");
    await until("idle", () => api.statusBar.view.text.includes("idle"));
    assert.equal(api.engine.model, undefined);
    assert.notEqual((await accept(await untitled(ADD, "javascript"), 30_000)).trim(), "");
    assert.ok(api.engine.model);
  });

  it("frees the model by itself when it is not used", async () => {
    await accept(await untitled(ADD, "javascript"));
    await setting("idleUnloadMinutes", 0.02);
    await until("idle", () => api.statusBar.view.text.includes("idle"));
    assert.match(api.statusBar.view.tooltip, /not used for 0\.02 minutes/);
    await setting("idleUnloadMinutes", undefined);
    assert.notEqual((await accept(await untitled(ADD, "javascript"), 30_000)).trim(), "");
  });

  it("applies settings without a reload of the window", async () => {
    assert.notEqual(api.engine.model?.contextSize, 300);
    await setting("contextSize", 300);
    await accept(await untitled(ADD, "javascript"), 30_000);
    await until("the new context size", () => api.engine.model?.contextSize === 300);
    await setting("contextSize", undefined);
  });

  it("loads a model file again that was replaced, and says when it is gone", async () => {
    const bundled = api.engine.model?.path ?? (await api.engine.ready()).path;
    const model = path.join(folder, "model.gguf");
    copyFileSync(bundled, model);
    await setting("model", model);
    assert.notEqual((await accept(await untitled(ADD, "javascript"), 30_000)).trim(), "");
    assert.equal(api.engine.model?.path, model);

    const { pid } = api.engine;
    rmSync(model);
    copyFileSync(bundled, model);
    // The file is looked at with a request, every two seconds at most.
    for (let attempt = 0; attempt < 5 && api.engine.pid === pid; attempt++) {
      await sleep(1_000);
      assert.notEqual((await accept(await untitled(ADD, "javascript"), 30_000)).trim(), "");
    }
    assert.notEqual(api.engine.pid, pid);

    rmSync(model);
    for (let attempt = 0; attempt < 5 && api.engine.state.kind !== "failed"; attempt++) {
      await sleep(1_000);
      await accept(await untitled(ADD, "javascript"), 2_000);
    }
    const view = await until(
      "failure",
      () => api.statusBar.view.severity === "error" && api.statusBar.view,
      5_000,
    );
    assert.match(view.tooltip, /There is no model at/);
    assert.doesNotMatch(view.tooltip, /\n\s+at /);
  });

  it("says in one line what is wrong with a file that is no model", async () => {
    const model = path.join(folder, "text.gguf");
    writeFileSync(model, "This is not a model.");
    await setting("model", model);
    await assert.rejects(
      api.engine.ready(),
      (error: Error) => !error.message.includes("\n") && error.message.includes(model),
    );
    await until("failure", () => api.statusBar.view.severity === "error");
    await setting("model", undefined);
    assert.notEqual((await accept(await untitled(ADD, "javascript"), 30_000)).trim(), "");
  });

  it("takes no notice of an untouched file", async () => {
    await open("src/queue.js");
    const { pid } = api.engine;
    await sleep(500);
    assert.equal(api.engine.pid, pid);
  });
});
