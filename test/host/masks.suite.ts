import assert from "node:assert/strict";
import * as vscode from "vscode";
import { defaultSettings } from "../../src/editor/settings";
import { SparsityController } from "../../src/editor/sparsityController";
import type { ModelInfo, SparsifyRequest, SparsifyResult } from "../../src/engine/protocol";
import { closeAll, lacuna, open, setting, sleep, until, untitled, workspaceFile } from "./helpers";

const MODEL = { path: "/m.gguf", ffnBytes: 2 ** 30 } as ModelInfo;
const RESULT = {
  activeRatio: 0.5,
  source: "attributed",
  attribution: { tokens: 1, ms: 1 },
  packing: { ms: 1 },
} as SparsifyResult;

/** The controller as it is, with an engine that the test plays; Lacuna's own has nothing to do meanwhile. */
describe("when masks are made", () => {
  let requests: SparsifyRequest[];
  let signals: (AbortSignal | undefined)[];
  let answer: () => SparsifyResult;
  /** Looks at the model file. */
  let fingerprints: number;
  let models: vscode.EventEmitter<ModelInfo | undefined>;
  let eligible: vscode.EventEmitter<void>;
  let allowed: boolean;
  let ready: () => Promise<ModelInfo>;
  let parts: { dispose(): unknown }[];
  let controller: SparsityController;

  before(async () => {
    await lacuna();
    await setting("enabled", false);
  });
  after(() => setting("enabled", undefined));
  beforeEach(() => {
    requests = [];
    signals = [];
    fingerprints = 0;
    answer = () => RESULT;
    allowed = true;
    ready = () => Promise.resolve(MODEL);
    models = new vscode.EventEmitter();
    eligible = new vscode.EventEmitter();
    controller = new SparsityController(
      {
        ready: () => ready(),
        sparsify: (request, { signal }) => {
          requests.push(request);
          signals.push(signal);
          return Promise.resolve().then(answer);
        },
        idleFor: () => Infinity,
        sleeping: false,
        onDidChangeModel: models.event,
      },
      {
        checkFile: () => (allowed ? undefined : { reason: "snoozed", text: "snoozed" }),
        onDidChange: eligible.event,
      },
      {
        settings: { ...defaultSettings(), sparsity: 0.5 },
        onDidChange: new vscode.EventEmitter<never>().event,
      },
      undefined,
      () => {
        fingerprints++;
        return "fingerprint";
      },
      { write: () => undefined },
      { of: ({ uri }) => uri.toString() },
    );
    parts = [
      controller,
      models,
      eligible,
      vscode.window.onDidChangeActiveTextEditor(() => eligible.fire()),
      vscode.window.onDidChangeTextEditorSelection(() => eligible.fire()),
    ];
  });
  afterEach(async () => {
    parts.forEach((part) => part.dispose());
    await closeAll();
  });

  it("is when nobody has typed for a moment, whatever grows elsewhere", async () => {
    const log = await vscode.workspace.openTextDocument({ language: "log", content: "\n" });
    await untitled("const a = 1;\n");
    const growing = setInterval(() => {
      const line = new vscode.WorkspaceEdit();
      line.insert(log.uri, new vscode.Position(0, 0), "line\n");
      void vscode.workspace.applyEdit(line);
    }, 300);
    try {
      await until("a mask", () => requests.length > 0, 8_000);
    } finally {
      clearInterval(growing);
    }
  });

  it("is also in a file that was opened with something selected in it", async () => {
    const document = await vscode.workspace.openTextDocument(workspaceFile("src/queue.js"));
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(4, 0, 6, 0) });
    await until("a mask", () => requests.length > 0, 8_000);
  });

  it("is when a file may have completions at last", async () => {
    allowed = false;
    await open("src/queue.js");
    await sleep(2_000);
    assert.equal(requests.length, 0);
    allowed = true;
    eligible.fire();
    await until("a mask", () => requests.length > 0, 8_000);
  });

  it("is as soon as the model is there that it has to wait for", async () => {
    ready = () => {
      ready = () => Promise.resolve(MODEL);
      models.fire(MODEL); // loaded for this mask
      return Promise.resolve(MODEL);
    };
    await open("src/queue.js");
    await until("a mask", () => requests.length > 0, 8_000);
    assert.equal(signals[0]?.aborted, false);
    await sleep(3_000);
    assert.equal(requests.length, 1);
  });

  it("is again when a completion tells that the engine has given the mask up", async () => {
    const { document } = await open("src/queue.js");
    await until("a mask", () => controller.maskOf(document) !== undefined, 8_000);
    controller.used(document, RESULT.activeRatio);
    assert.ok(controller.maskOf(document));
    controller.used(document, 1);
    assert.equal(controller.maskOf(document), undefined, "it is not shown any more");
    await until("another", () => requests.length > 1 && controller.maskOf(document), 8_000);
  });

  it("is known still when a file is closed and opened again, as the engine knows it", async () => {
    const { document } = await open("src/queue.js");
    await until("a mask", () => controller.maskOf(document) !== undefined, 8_000);
    // Another language is told as a document that is closed and one that is opened.
    const closed = new Promise((resolve) => parts.push(vscode.workspace.onDidCloseTextDocument(resolve)));
    const again = await vscode.languages.setTextDocumentLanguage(document, "typescript");
    await closed;
    assert.ok(controller.maskOf(again));
    assert.equal(requests[0]!.document, again.uri.toString());
    eligible.fire();
    await until("another", () => requests.length > 1, 8_000);
  });

  it("looks at the model file once", async () => {
    for (const [count, name] of ["src/queue.js", "src/inventory.ts"].entries()) {
      await open(name);
      await until("a mask", () => requests.length > count, 8_000);
    }
    assert.equal(fingerprints, 1);
    models.fire(MODEL);
    await until("another", () => requests.length > 2, 8_000);
    assert.equal(fingerprints, 2);
  });

  it("is not over and over when the engine crashes over it", async () => {
    answer = () => {
      models.fire(MODEL); // the next process has it loaded
      throw Object.assign(new Error("crashed"), { code: "engine-crashed" });
    };
    const editor = await untitled("const a = 1;\n");
    await until("the first", () => requests.length > 0, 8_000);
    await sleep(6_000);
    assert.equal(requests.length, 2);
    // A file that has become another one is another matter.
    answer = () => RESULT;
    await editor.edit((edit) =>
      edit.insert(new vscode.Position(1, 0), "const anotherName = 2;\n".repeat(100)),
    );
    await until("another", () => requests.length > 2, 8_000);
  });
});
