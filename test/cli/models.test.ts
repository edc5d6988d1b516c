import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { serve, TestServer } from "../../src/models/download/testing";
import { modelPath } from "../testModel";
import { errorLine, run, Scratch } from "./support";

interface Listed {
  readonly name: string;
  readonly bytes: number;
  readonly license: string;
  readonly fim: string;
  readonly estimate: { readonly tokensPerSecond: number; readonly residentBytes: number };
  readonly runs: "sparse" | "dense";
  readonly fits: string;
}

describe("lacuna models", () => {
  let scratch: Scratch;
  let server: TestServer;
  let folder: string;
  const body = readFileSync(modelPath);
  const sha256 = createHash("sha256").update(body).digest("hex");
  before(async () => {
    scratch = new Scratch();
    folder = path.join(scratch.directory, "models");
    server = await TestServer.start();
  });
  after(async () => {
    await server.stop();
    scratch.remove();
  });
  const env = (): NodeJS.ProcessEnv => ({
    HOME: scratch.directory,
    LACUNA_MODELS: folder,
    HF_ENDPOINT: server.base,
  });

  it("list names what can be fetched, the best first", async () => {
    const { code, stdout } = await run(["models", "list", "--json"], env());
    assert.equal(code, 0);
    const { models } = JSON.parse(stdout) as { readonly models: readonly Listed[] };
    assert.ok(models.length >= 15);
    for (const { name, bytes, license, fim, estimate, runs } of models) {
      assert.ok(bytes > 1e8 && license !== "" && fim !== "", name);
      assert.ok(estimate.tokensPerSecond > 0 && estimate.residentBytes > bytes, name);
      assert.match(runs, /^(sparse|dense)$/, name);
    }
    const table = await run(["models", "list"], env());
    assert.equal(table.code, 0);
    assert.match(table.stdout, /^name +size +tokens\/s +a line +memory/);
    assert.match(table.stdout, /qwen2\.5-coder-1\.5b +1\.12 GB/);
  });

  it("get, where, check and remove follow a model from its address to its end", async () => {
    server.behaviour = (request, response, next) =>
      serve(request, response, body, next === 0 ? { until: body.length >> 1 } : {});
    const address = `${server.base}/small.gguf`;
    const got = await run(["models", "get", address, "--sha256", sha256], env());
    assert.equal(got.code, 0, got.stderr);
    assert.equal(got.stdout, `${path.join(folder, "small.gguf")}\n`);
    assert.match(got.stderr, /Fetched: 9\.95 MB, its hash is right\.\n$/);
    assert.equal(server.requests.length, 2, "continued");
    assert.equal((await run(["models", "where", "small.gguf"], env())).stdout, got.stdout);
    assert.equal((await run(["models", "where"], env())).stdout, `${folder}\n`);
    const right = await run(["models", "check"], env());
    assert.equal(right.stdout, "small.gguf: right (9.95 MB)\n");

    const damaged = Buffer.from(body);
    damaged[body.length - 1]! ^= 1;
    writeFileSync(path.join(folder, "small.gguf"), damaged);
    const wrong = await run(["models", "check"], env());
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /has other contents than were fetched/);
    assert.match(errorLine(wrong), /small\.gguf: remove with `lacuna models remove` and fetch again\.$/);

    assert.equal((await run(["models", "remove", "small.gguf"], env())).stdout, "Removed small.gguf.\n");
    assert.deepEqual(
      readdirSync(folder).filter((name) => name !== "models.json"),
      [],
    );
    assert.equal((await run(["models", "remove", "small.gguf"], env())).code, 1);
  });

  it("get says in one line what is wrong, and leaves nothing that looks like a model", async () => {
    const to = path.join(scratch.directory, "elsewhere");
    const get = async (name: string, ...words: readonly string[]): Promise<string> => {
      const failed = await run(["models", "get", name, "--to", to, ...words], env());
      assert.equal(failed.code, 1, failed.stderr);
      assert.equal(failed.stdout, "");
      return errorLine(failed);
    };
    server.behaviour = (request, response) => serve(request, response, body);
    assert.match(await get(`${server.base}/m.gguf`, "--sha256", "0".repeat(64)), /its SHA-256 is/);
    assert.match(await get("qwen2.5-coder-0.5b"), /it has 9\.95 MB there instead of 491 MB/);
    server.behaviour = (_, response) => void response.writeHead(403).end();
    assert.match(
      await get("codegemma-2b"),
      /accept its terms at https:\/\/huggingface\.co\/itlwas\/codegemma-2b-Q4_K_M-GGUF/,
    );
    assert.deepEqual(readdirSync(to), []);
    const unknown = await run(["models", "get", "gpt-9"], env());
    assert.equal(unknown.code, 2);
    assert.match(errorLine(unknown), /There is no model "gpt-9"/);
  });

  it("get keeps what came of a server that drops, and takes nothing that is not what was promised", async () => {
    const to = path.join(scratch.directory, "promised");
    const address = `${server.base}/m.gguf`;
    const get = (...words: readonly string[]) => run(["models", "get", address, "--to", to, ...words], env());
    const models = (): string[] => readdirSync(to).filter((name) => /^[^.].*\.gguf$/.test(name));
    const fails = async (what: RegExp, ...words: readonly string[]): Promise<void> => {
      const failed = await get(...words);
      assert.equal(failed.code, 1, failed.stderr);
      assert.match(errorLine(failed), what);
      assert.deepEqual(models(), []);
    };
    const other = Buffer.from(body);
    other[body.length >> 1]! ^= 1;
    server.behaviour = (request, response) => serve(request, response, other);
    await fails(/its SHA-256 is [0-9a-f]{12}… instead of/, "--sha256", sha256);
    server.behaviour = (request, response) =>
      serve(request, response, body, { headers: { "content-length": String(body.length + 1_000) } });
    await fails(/were promised and there are/);
    rmSync(to, { recursive: true });

    server.requests.length = 0;
    server.behaviour = (request, response, next) =>
      serve(request, response, body, next < 2 ? { until: Math.floor((body.length * (next + 2)) / 4) } : {});
    assert.equal((await get("--sha256", sha256)).code, 0);
    assert.deepEqual(
      server.requests.map(({ headers: { range } }) => range === undefined),
      [true, false, false],
    );
    assert.deepEqual(models(), ["m.gguf"]);
  });

  it("says in one sentence what cannot be done, whatever it is asked", async () => {
    const store = path.join(scratch.directory, "odd");
    mkdirSync(path.join(store, "folder.gguf"), { recursive: true });
    writeFileSync(path.join(store, "half.gguf"), body.subarray(0, body.length >> 1));
    writeFileSync(path.join(store, "models.json"), '[{"file":');
    const says = async (
      what: RegExp,
      words: readonly string[],
      more: NodeJS.ProcessEnv = {},
    ): Promise<void> => {
      const failed = await run(["models", ...words], { ...env(), ...more });
      assert.ok(
        failed.code === 1 || failed.code === 2,
        `${words.join(" ")}: ${failed.stdout}${failed.stderr}`,
      );
      assert.match(errorLine(failed), what, words.join(" "));
    };
    const to = ["--to", store];
    await says(/half\.gguf: remove with/, ["check", ...to]);
    await says(/missing\.gguf: not in .*odd/, ["check", "missing.gguf", "missing.gguf", ...to]);
    await says(/folder\.gguf is not in/, ["where", "folder.gguf", ...to]);
    await says(/folder\.gguf is not in/, ["remove", "folder.gguf", ...to]);
    await says(/m\.gguf is not in/, ["remove", "m.gguf", "--to", path.join(store, "none")]);
    await says(/Name one model, or none/, ["where", "a.gguf", "b.gguf", ...to]);
    await says(/it names no host/, ["get", "https:///m.gguf", ...to]);
    await says(/after hf: comes user\/model/, ["get", "hf:", ...to]);
    await says(/--mirror names no address/, ["get", "qwen2.5-coder-0.5b", "--mirror", "", ...to]);
    await says(/token for the hub/, ["get", "qwen2.5-coder-0.5b", ...to], { HF_TOKEN: "one\ntwo" });
    await says(/The proxy of HTTPS_PROXY, socks5/, ["get", "https://models.example/m.gguf", ...to], {
      HTTPS_PROXY: "socks5://127.0.0.1:1",
    });
    if (process.platform === "linux") {
      await says(/may not be written/, ["get", "qwen2.5-coder-0.5b", "--to", "/proc/models"]);
    }
    const empty = await run(["models", "check", "--to", path.join(store, "none")], env());
    assert.match(empty.stdout, /^There are no models in .*none\.\n$/);
  });

  it("works as the bundle that ships, too", () => {
    const words = ["dist/cli.mjs", "models", "where"];
    const { status, stdout } = spawnSync(process.execPath, words, {
      env: { ...process.env, ...env() },
      encoding: "utf8",
    });
    assert.equal(status, 0);
    assert.equal(stdout, `${folder}\n`);
  });

  it("get goes through the proxy of the environment", async () => {
    const hops: string[] = [];
    server.behaviour = (request, response) => {
      hops.push(request.url ?? "");
      serve(request, response, body);
    };
    const address = `http://models.example/proxied.gguf`;
    const got = await run(["models", "get", address, "--sha256", sha256], {
      ...env(),
      HTTP_PROXY: server.base,
    });
    assert.equal(got.code, 0, got.stderr);
    assert.deepEqual(hops, [address]);
  });
});
