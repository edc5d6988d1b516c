import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { offerModel } from "../../src/editor/models/offer";
import { defaultSettings } from "../../src/editor/settings";
import type { LacunaApi } from "../../src/extension";
import { serve, TestServer } from "../../src/models/download/testing";
import { closeAll, lacuna, setting, until } from "./helpers";

/** Of the tests' folder; bundles lie in `dist/test/host`. */
const MODEL = path.join(__dirname, "../../../test/fixtures/model/lacuna-9m.Q8_0.gguf");

describe("getting a model", () => {
  let api: LacunaApi;
  let server: TestServer;
  let folder: string;
  const body = readFileSync(MODEL);
  const sha256 = createHash("sha256").update(body).digest("hex");

  before(async () => {
    api = await lacuna();
    server = await TestServer.start();
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-get-"));
    await setting("modelFolder", folder);
  });
  after(async () => {
    await setting("model", undefined);
    await setting("modelFolder", undefined);
    await setting("modelMirror", undefined);
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    await closeAll();
  });

  it("shows the download, checks it, and completes with it from then on", async () => {
    let finish: () => void = () => undefined;
    const half = new Promise<void>((resolve) => (finish = resolve));
    server.behaviour = (_, response) => {
      response.writeHead(200, { "content-length": body.length, etag: '"one"' });
      response.write(body.subarray(0, body.length >> 1));
      void half.then(() => response.end(body.subarray(body.length >> 1)));
    };
    const work = vscode.commands.executeCommand(
      "lacuna.getModel",
      `${server.base}/nine.gguf#sha256=${sha256}`,
    );
    await until("half of it", () => /^\$\(cloud-download\) (4\d|50) %$/.test(api.models.shown ?? ""));
    assert.equal(existsSync(path.join(folder, "nine.gguf")), false, "half a model is none");
    finish();
    await work;
    const file = path.join(folder, "nine.gguf");
    assert.equal(vscode.workspace.getConfiguration("lacuna").get("model"), file);
    assert.equal(api.engine.model?.path, file);
    assert.equal(api.models.shown, undefined);
  });

  it("fetches what is there already no second time", async () => {
    const { length } = server.requests;
    const wanted = { address: `${server.base}/nine.gguf`, sha256 };
    const again = await api.models.fetch({ title: "nine", wanted });
    assert.equal(again?.again, true);
    assert.equal(server.requests.length, length);
  });

  it("changes nothing when a download fails", async () => {
    const model = vscode.workspace.getConfiguration("lacuna").get("model");
    server.behaviour = (request, response) => serve(request, response, body);
    const wrong = { address: `${server.base}/wrong.gguf`, sha256: "0".repeat(64) };
    await assert.rejects(api.models.fetch({ title: "wrong", wanted: wrong }), { kind: "wrong-hash" });
    assert.equal(existsSync(path.join(folder, "wrong.gguf")), false);
    assert.equal(vscode.workspace.getConfiguration("lacuna").get("model"), model);
    assert.equal(api.models.shown, undefined);
  });

  it("takes models of the catalogue from the mirror that the settings name", async () => {
    await setting("modelMirror", server.base);
    server.requests.length = 0;
    server.behaviour = (request, response) => serve(request, response, body);
    const wanted = { address: "hf:user/model/small.gguf", sha256 };
    assert.equal((await api.models.fetch({ title: "small", wanted }))?.verified, true);
    assert.equal(server.requests[0]!.url, "/user/model/resolve/main/small.gguf");
  });

  it("asks for a token where a model is gated, keeps it as a secret, and fetches with it", async () => {
    const { showErrorMessage, showInputBox } = vscode.window;
    const window = vscode.window as unknown as Record<"showErrorMessage" | "showInputBox", unknown>;
    const asked: { message?: string; actions?: readonly string[]; input?: vscode.InputBoxOptions } = {};
    window.showErrorMessage = (message: string, ...actions: string[]) => {
      Object.assign(asked, { message, actions });
      return Promise.resolve(actions[0]);
    };
    window.showInputBox = (input: vscode.InputBoxOptions) => {
      asked.input = input;
      return Promise.resolve(" hf_mine ");
    };
    await setting("modelMirror", server.base);
    server.requests.length = 0;
    server.behaviour = (request, response) =>
      request.headers.authorization === "Bearer hf_mine"
        ? serve(request, response, body)
        : void response.writeHead(401).end();
    try {
      const wanted = { address: "hf:user/gated/gated.gguf", sha256 };
      await api.models.fetchAndUse({ title: "gated", wanted });
      assert.match(asked.message ?? "", /^gated: /);
      assert.deepEqual(asked.actions?.[0], "Give a Token");
      assert.equal(asked.input?.password, true);
      assert.ok(existsSync(path.join(folder, "gated.gguf")));
      assert.equal(vscode.workspace.getConfiguration("lacuna").get("model"), path.join(folder, "gated.gguf"));
      assert.equal(JSON.stringify(vscode.workspace.getConfiguration("lacuna")).includes("hf_mine"), false);
      // Kept for the next one.
      asked.input = undefined!;
      await api.models.fetch({ title: "second", wanted: { address: "hf:user/gated/second.gguf", sha256 } });
      assert.equal(asked.input, undefined);
      assert.equal(server.requests.at(-1)!.headers.authorization, "Bearer hf_mine");
    } finally {
      Object.assign(window, { showErrorMessage, showInputBox });
      server.behaviour = (request, response) => serve(request, response, body);
    }
  });

  it("goes through the proxy of VS Code's settings", async () => {
    const http = vscode.workspace.getConfiguration("http");
    await http.update("proxy", server.base, vscode.ConfigurationTarget.Global);
    try {
      server.requests.length = 0;
      const address = "http://models.example/proxied.gguf";
      const done = await api.models.fetch({ title: "proxied", wanted: { address, sha256 } });
      assert.equal(done?.verified, true);
      assert.equal(server.requests[0]!.url, address);
    } finally {
      await http.update("proxy", undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it("offers a better model once, to those who complete with the small one", () => {
    const kept = new Map<string, unknown>();
    const state: Pick<vscode.Memento, "update"> & { get(key: string): unknown } = {
      get: (key: string) => kept.get(key),
      update: (key: string, value: unknown) => {
        kept.set(key, value);
        return Promise.resolve();
      },
    };
    const changes = new vscode.EventEmitter<undefined>();
    const engine = { onDidChangeModel: changes.event, model: { path: "/other.gguf" } };
    const offer = (model: string): vscode.Disposable =>
      offerModel(
        engine as never,
        { settings: { ...defaultSettings(), model } } as never,
        state as never,
        "/small.gguf",
      );
    const [own, small] = [offer("/other.gguf"), offer("")];
    changes.fire(undefined);
    assert.deepEqual([...kept], [], "not with a model of one's own");
    engine.model.path = "/small.gguf";
    changes.fire(undefined);
    assert.deepEqual([...kept.values()], [true]);
    vscode.Disposable.from(own, small, changes).dispose();
  });
});
