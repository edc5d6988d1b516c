import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import type { LacunaApi } from "../../src/extension";
import { findModels } from "../../src/models/discovery/discovery";
import type { Wanted } from "../../src/models/download/downloader";
import { serve, TestServer, type Behaviour } from "../../src/models/download/testing";
import { closeAll, lacuna, setting, until } from "./helpers";

/** Of the tests' folder; bundles lie in `dist/test/host`. */
const MODEL = path.join(__dirname, "../../../test/fixtures/model/lacuna-9m.Q8_0.gguf");

/** A message with its buttons. */
interface Told {
  readonly how: "error" | "information";
  readonly message: string;
  readonly actions: readonly string[];
}

/** What a server of one's own, or the hub's, does wrong. */
interface Trouble {
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly wanted?: Partial<Wanted>;
  readonly message: RegExp;
  readonly actions: readonly string[];
}

const answered =
  (status: number, headers: Record<string, string | number> = {}): Behaviour =>
  (_, response: ServerResponse) =>
    void response.writeHead(status, headers).end();

describe("a download in trouble", () => {
  let api: LacunaApi;
  let server: TestServer;
  let folder: string;
  let told: Told[];
  /** Which button is pressed, by the order of the messages; undefined: none. */
  let presses: (string | undefined)[];
  const body = readFileSync(MODEL);
  const sha256 = createHash("sha256").update(body).digest("hex");
  const window = vscode.window as unknown as Record<string, unknown>;
  const { showErrorMessage, showInformationMessage, withProgress } = vscode.window;

  before(async () => {
    api = await lacuna();
    server = await TestServer.start();
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-trouble-"));
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
  beforeEach(() => {
    told = [];
    presses = [];
    const show =
      (how: Told["how"]) =>
      (message: string, ...actions: string[]): Promise<string | undefined> => {
        told.push({ how, message, actions });
        return Promise.resolve(presses.shift());
      };
    Object.assign(window, { showErrorMessage: show("error"), showInformationMessage: show("information") });
  });
  afterEach(() => {
    Object.assign(window, { showErrorMessage, showInformationMessage, withProgress });
  });

  /** Nothing of it is a model, whoever looks. */
  async function assertNothingOffered(name: string): Promise<void> {
    assert.equal(existsSync(path.join(folder, name)), false);
    assert.deepEqual(
      readdirSync(folder).filter((file) => /^[^.].*\.(gguf|part)$/i.test(file) && file.startsWith(name)),
      [],
    );
    const found = await findModels({ extra: [folder] });
    assert.ok(!found.some(({ path: file }) => path.basename(file).includes(name)));
    assert.equal(api.models.shown, undefined, "the bar still speaks of it");
  }

  const TROUBLES: readonly Trouble[] = [
    {
      name: "401.gguf",
      behaviour: answered(401),
      message: /wants to know who asks \(401\)\. Fetch it with a program that is logged in there/,
      actions: ["Select Model"],
    },
    {
      name: "403.gguf",
      behaviour: answered(403),
      wanted: { address: "hf:user/gated/403.gguf" },
      message:
        /does not allow this \(403\)\. If it is gated, accept its terms at https:\/\/huggingface\.co\/user\/gated/,
      actions: ["Give a Token", "Open the Terms"],
    },
    {
      name: "404.gguf",
      behaviour: answered(404),
      message: /There is no http\S+\/404\.gguf \(404\)\. Check the address\./,
      actions: ["Choose Another"],
    },
    {
      name: "429.gguf",
      behaviour: answered(429, { "retry-after": 3_600 }),
      message: /gets too many requests \(429\)\. Try again in 60 min/,
      actions: ["Try Again"],
    },
    {
      name: "503.gguf",
      behaviour: answered(503, { "retry-after": 3_600 }),
      message: /has a problem of its own \(503\)\. Try again in 60 min/,
      actions: ["Try Again"],
    },
    {
      name: "size.gguf",
      behaviour: (request, response) => serve(request, response, body),
      wanted: { bytes: body.length + 1 },
      message: /size\.gguf is not what was expected: .*it is not kept\./,
      actions: ["Try Again"],
    },
    {
      name: "hash.gguf",
      behaviour: (request, response) => serve(request, response, body),
      wanted: { sha256: "0".repeat(64) },
      message: /hash\.gguf is not what was expected: its SHA-256 is .*it is not kept\./,
      actions: ["Try Again"],
    },
    {
      name: "full.gguf",
      behaviour: (_, response) => {
        response.writeHead(200, { "content-length": 2 ** 52 });
        response.write("GGUF");
      },
      message: /full\.gguf needs .* more and .* has .* free\. Make room/,
      actions: ["Try Again", "Open Settings"],
    },
    {
      name: "page.gguf",
      behaviour: (request, response) => serve(request, response, Buffer.from("<html>no model</html>")),
      wanted: { sha256: undefined },
      message: /What came as page\.gguf .*is no model, and is not kept\. Check the address\./,
      actions: ["Choose Another"],
    },
  ];

  for (const { name, behaviour, wanted, message, actions } of TROUBLES) {
    it(`says what is wrong and what helps, and offers nothing of it: ${name}`, async () => {
      await setting("modelMirror", server.base);
      server.behaviour = behaviour;
      const address = `${server.base}/${name}`;
      await api.models.fetchAndUse({ title: "A Model", wanted: { address, sha256, ...wanted } });
      assert.equal(told.length, 1, JSON.stringify(told));
      assert.equal(told[0]!.how, "error");
      assert.match(told[0]!.message, /^A Model: /);
      assert.match(told[0]!.message, message);
      assert.deepEqual(told[0]!.actions, actions);
      await assertNothingOffered(name);
    });
  }

  it("says that there is no connection", async () => {
    const gone = await TestServer.start();
    const address = `${gone.base}/offline.gguf#sha256=${sha256}`;
    await gone.stop();
    await vscode.commands.executeCommand("lacuna.getModel", address);
    assert.match(
      told[0]!.message,
      /^offline\.gguf: .* cannot be reached \(ECONNREFUSED\)\. Check the connection and the proxy/,
    );
    assert.deepEqual(told[0]!.actions, ["Try Again"]);
    await assertNothingOffered("offline.gguf");
  });

  it("goes on from what is there when it is tried again, and is put to use", async () => {
    const half = body.length >> 1;
    server.requests.length = 0;
    server.behaviour = (request, response) => {
      // Of what is there already, it has nothing more to give just now.
      if (request.headers.range === undefined) {
        serve(request, response, body, { until: half });
      } else {
        response.writeHead(503, { "retry-after": "3600" }).end();
      }
    };
    presses = ["Try Again"];
    window.showErrorMessage = (
      (show) =>
      (message: string, ...actions: string[]) => {
        server.behaviour = (request, response) => serve(request, response, body);
        return (show as (...given: string[]) => Promise<string | undefined>)(message, ...actions);
      }
    )(window.showErrorMessage);
    const address = `${server.base}/again.gguf`;
    await api.models.fetchAndUse({ title: "Again", wanted: { address, sha256 } });
    assert.deepEqual(
      told.map(({ how }) => how),
      ["error", "information"],
      JSON.stringify(told),
    );
    assert.match(told[0]!.message, /^Again: .*\(503\)/);
    assert.match(told[1]!.message, /^Again completes from now on/);
    const last = Number(/^bytes=(\d+)-$/.exec(server.requests.at(-1)!.headers.range ?? "")?.[1]);
    assert.ok(last > 0 && last <= half, "it goes on");
    assert.equal(vscode.workspace.getConfiguration("lacuna").get("model"), path.join(folder, "again.gguf"));
  });

  it("is refused with a word while it runs already, and keeps what came when it is cancelled", async () => {
    server.behaviour = (_, response) => {
      response.writeHead(200, { "content-length": body.length, etag: '"one"' });
      response.write(body.subarray(0, body.length >> 1)); // and no more
    };
    const cancel = new vscode.CancellationTokenSource();
    window.withProgress = (options: vscode.ProgressOptions, task: Parameters<typeof withProgress>[1]) => {
      assert.equal(options.cancellable, true);
      return withProgress(options, (progress) => task(progress, cancel.token));
    };
    const chosen = { title: "Slow", wanted: { address: `${server.base}/slow.gguf`, sha256 } };
    const first = api.models.fetchAndUse(chosen);
    await until("half of it", () => /^\$\(cloud-download\) (4\d|50) %$/.test(api.models.shown ?? ""));
    await api.models.fetchAndUse(chosen);
    assert.deepEqual(told, [
      {
        how: "information",
        message: "Slow: This is being fetched already, as its notification shows.",
        actions: [],
      },
    ]);
    assert.match(api.models.shown ?? "", /%$/, "the first one goes on");
    cancel.cancel();
    await first;
    assert.equal(told.length, 1, "who cancels needs no message");
    await assertNothingOffered("slow.gguf");
    assert.ok(existsSync(path.join(folder, ".slow.gguf.part")));
    Object.assign(window, { withProgress });
    server.requests.length = 0;
    server.behaviour = (request, response) => serve(request, response, body);
    await api.models.fetchAndUse(chosen);
    assert.match(server.requests[0]!.headers.range ?? "", /^bytes=[1-9]/);
    assert.ok(existsSync(path.join(folder, "slow.gguf")));
  });
});
