import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import type { Completed } from "../../src/editor/generator";
import { History } from "../../src/editor/history";
import { Recorder } from "../../src/editor/recorder";
import { UncountedSettings } from "../../src/editor/uncountedSettings";
import { closeAll, until } from "./helpers";

describe("the charts", () => {
  it("are of the model that completes now, on this machine or a server", () => {
    const completed = new vscode.EventEmitter<Completed>();
    const modelChanged = new vscode.EventEmitter<undefined>();
    const none = new vscode.EventEmitter<never>().event;
    const source = { isServed: true, onDidChangeModel: modelChanged.event };
    const served = { product: "llama-server", model: "big", contextSize: 4096 };
    const history = new History();
    const recorder = new Recorder(
      {
        model: { path: "/small.gguf" },
        stats: () => Promise.resolve(undefined),
        onDidChangeModel: none,
      } as never,
      source,
      { served } as never,
      { onDidComplete: completed.event, onDidWarm: none },
      { used: () => undefined, onDidChangeMask: none },
      { history, statistics: { add: () => undefined }, measured: {} } as never,
    );
    const complete = (isServed: boolean): void => {
      const result = {
        activeRatio: 1,
        prefill: { tokens: 10, again: 1 },
        decode: { tokens: 5, tokensPerSecond: 9 },
      };
      completed.fire({ result, latencyMs: 100, isServed } as Completed);
    };
    complete(true);
    assert.equal(history.completions.length, 1);
    source.isServed = false;
    modelChanged.fire(undefined);
    assert.deepEqual([history.completions.length, history.read], [0, { tokens: 0, again: 0 }]);
    complete(true); // too late
    assert.equal(history.completions.length, 0);
    complete(false);
    assert.equal(history.completions.length, 1);
    source.isServed = true;
    modelChanged.fire(undefined);
    assert.equal(history.completions.length, 0);
    recorder.dispose();
  });
});

describe("settings that do not count", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-uncounted-"))));
  afterEach(async () => {
    await closeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  it("are told once, and no longer when they are gone", async () => {
    const file = path.join(folder, "settings.json");
    writeFileSync(file, '{ "lacuna.model": "/m.gguf" }');
    const told: string[] = [];
    const files = [
      { uri: vscode.Uri.file(file), of: "the folder web", why: "workspace-file" as const },
      { uri: vscode.Uri.file(path.join(folder, "none.json")), of: "another", why: "untrusted" as const },
    ];
    const uncounted = new UncountedSettings(
      ["lacuna.model"],
      (problem) => told.push(problem),
      () => files,
    );
    await until("it is found", () => uncounted.problems.length === 1);
    assert.match(uncounted.problems[0]!, /^Setting lacuna\.model of the folder web is ignored: /);
    const document = await vscode.workspace.openTextDocument(file);
    const save = async (text: string): Promise<void> => {
      const edit = new vscode.WorkspaceEdit();
      edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
      await vscode.workspace.applyEdit(edit);
      await document.save();
    };
    await save('{ "lacuna.model": "/m.gguf", "lacuna.threads": 2 }');
    await until("another is found", () => uncounted.problems.length === 2);
    await save("{}");
    await until("they are gone", () => uncounted.problems.length === 0);
    assert.deepEqual(
      told.map((problem) => problem.split(" ")[1]),
      ["lacuna.model", "lacuna.threads"],
    );
    uncounted.dispose();
  });
});
