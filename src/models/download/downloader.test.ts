import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeTestGguf } from "../testing";
import { Downloader, type DownloaderOptions, type Wanted } from "./downloader";
import { DownloadError, type DownloadProblem } from "./errors";
import { serve, TestServer } from "./testing";
import type { Progress } from "./transfer";

describe("downloading a model", () => {
  let scratch: string;
  let folder: string;
  let body: Buffer;
  let sha256: string;
  let server: TestServer;
  let base: string;

  before(async () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), "lacuna-gguf-")), "m.gguf");
    await writeTestGguf(file, [["general.architecture", "string", "llama"]], [["a", [1024, 900], "F32"]]);
    body = readFileSync(file);
    randomBytes(body.length - 4096).copy(body, 4096); // not all zeros: a gap would go unnoticed
    sha256 = createHash("sha256").update(body).digest("hex");
    rmSync(path.dirname(file), { recursive: true });
  });
  beforeEach(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), "lacuna-download-"));
    folder = path.join(scratch, "models");
    server = await TestServer.start();
    base = server.base;
  });
  afterEach(async () => {
    await server.stop();
    rmSync(scratch, { recursive: true });
  });

  const get = (
    wanted: Partial<Wanted> = {},
    options: Partial<DownloaderOptions> = {},
    signal = new AbortController().signal,
    onProgress: (progress: Progress) => void = () => undefined,
  ): ReturnType<Downloader["get"]> =>
    new Downloader({ folder, waits: [1, 1], stallMs: 200, mirror: base, ...options }).get(
      { address: `${base}/files/m.gguf`, ...wanted },
      signal,
      onProgress,
    );
  const fails = async (
    kind: DownloadProblem,
    message: RegExp,
    wanted: Partial<Wanted> = {},
    options: Partial<DownloaderOptions> = {},
  ): Promise<void> => {
    await assert.rejects(get(wanted, options), (error: unknown) => {
      assert.ok(error instanceof DownloadError, String(error));
      assert.equal(error.kind, kind, error.message);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(models(), [], "nothing may look like a model");
  };
  const models = (): string[] =>
    existsSync(folder) ? readdirSync(folder).filter((name) => /^[^.].*\.gguf$/.test(name)) : [];
  const part = (): string => path.join(folder, ".m.gguf.part");

  it("gives a file its name when it is whole and its hash is right, and remembers where it is from", async () => {
    server.behaviour = (request, response) => serve(request, response, body);
    const seen: Progress[] = [];
    const done = await get({ sha256, bytes: body.length }, {}, undefined, (progress) => seen.push(progress));
    assert.deepEqual(done, {
      path: path.join(folder, "m.gguf"),
      bytes: body.length,
      sha256,
      verified: true,
      again: false,
    });
    assert.ok(readFileSync(done.path).equals(body));
    assert.deepEqual(readdirSync(folder).sort(), ["m.gguf", "models.json"]);
    assert.deepEqual([...new Set(seen.map(({ phase }) => phase))], ["connecting", "downloading", "checking"]);
    const last = seen.at(-1)!;
    assert.equal(last.received, body.length);
    assert.equal(last.total, body.length);
  });

  it("fetches what is there already no second time, and replaces no other file", async () => {
    server.behaviour = (request, response) => serve(request, response, body);
    await get({ sha256 });
    const { length } = server.requests;
    assert.equal((await get({ sha256 })).again, true);
    assert.equal((await get()).again, true, "the same address");
    assert.equal(server.requests.length, length);
    writeFileSync(path.join(folder, "m.gguf"), "mine");
    await assert.rejects(get({ sha256 }), { kind: "exists" });
    assert.equal(readFileSync(path.join(folder, "m.gguf"), "utf8"), "mine");
  });

  it("goes on where a connection was lost", async () => {
    const drop = Math.floor(body.length / 3);
    server.behaviour = (request, response, next) =>
      serve(request, response, body, next < 2 ? { until: drop * (next + 1) } : {});
    await get({ sha256 });
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.range),
      [undefined, `bytes=${drop}-`, `bytes=${2 * drop}-`],
    );
    assert.ok(readFileSync(path.join(folder, "m.gguf")).equals(body));
  });

  it("goes on where another process stopped", async () => {
    const half = body.length >> 1;
    server.behaviour = (request, response) => serve(request, response, body, { until: half });
    await fails("interrupted", /kept: the same download goes on from there/, { sha256 }, { waits: [] });
    assert.equal(readFileSync(part()).length, half);
    server.behaviour = (request, response) => serve(request, response, body);
    await get({ sha256 });
    assert.equal(server.requests.at(-1)!.headers.range, `bytes=${half}-`);
    assert.ok(readFileSync(path.join(folder, "m.gguf")).equals(body));
  });

  it("goes on without a known hash as long as the file's tag is the same, and begins again when it is not", async () => {
    const half = body.length >> 1;
    server.behaviour = (request, response, next) =>
      serve(request, response, body, next === 0 ? { until: half } : {});
    assert.equal((await get()).verified, false);
    assert.equal(server.requests[1]!.headers["if-range"], '"one"');

    rmSync(folder, { recursive: true });
    const other = Buffer.from(body);
    other.fill(1, 5000);
    server.requests.length = 0;
    server.behaviour = (request, response, next) =>
      next === 0
        ? serve(request, response, other, { until: half })
        : serve(request, response, body, { headers: { etag: '"two"' } });
    await get();
    assert.ok(readFileSync(path.join(folder, "m.gguf")).equals(body), "no mixture of two files");
  });

  it("begins again with a server that cannot continue", async () => {
    server.behaviour = (request, response, next) => {
      delete request.headers.range;
      serve(request, response, body, next === 0 ? { until: body.length >> 1 } : {});
    };
    await get({ sha256 });
    assert.ok(readFileSync(path.join(folder, "m.gguf")).equals(body));
  });

  it("takes up a connection that fell silent", async () => {
    server.behaviour = (request, response, next) => {
      if (next > 0) {
        serve(request, response, body);
        return;
      }
      response.writeHead(200, { "content-length": body.length, etag: '"one"' });
      response.write(body.subarray(0, 100_000));
    };
    await get({ sha256 });
    assert.equal(server.requests[1]!.headers.range, "bytes=100000-");
  });

  it("is patient with a server that sends little at a time", async () => {
    server.behaviour = (_, response) => {
      response.writeHead(200, { "content-length": body.length });
      let sent = 0;
      const timer = setInterval(() => {
        const next = Math.min(body.length, sent + Math.ceil(body.length / 12));
        response.write(body.subarray(sent, next));
        sent = next;
        if (sent === body.length) {
          clearInterval(timer);
          response.end();
        }
      }, 30);
    };
    assert.equal((await get({ sha256 })).bytes, body.length);
    assert.equal(server.requests.length, 1, "never taken up anew");
  });

  it("does not wait for ever for a server that accepts and says nothing", async () => {
    server.behaviour = () => undefined;
    await fails("interrupted", /silent for 0\.2 s/);
  });

  it("refuses other bytes than the hash promises, and keeps none of them", async () => {
    const other = Buffer.from(body);
    other[body.length - 1]! ^= 1;
    server.behaviour = (request, response) => serve(request, response, other);
    await fails("wrong-hash", /its SHA-256 is [0-9a-f]{12}… instead of/, { sha256 });
    assert.equal(existsSync(part()), false);
  });

  it("believes the hash that the hub tells, and a digest", async () => {
    const other = Buffer.from(body);
    other[body.length - 1]! ^= 1;
    const base64 = Buffer.from(sha256, "hex").toString("base64");
    for (const headers of [{ "x-linked-etag": `"${sha256}"` }, { "repr-digest": `sha-256=:${base64}:` }]) {
      server.behaviour = (request, response) => serve(request, response, other, { headers });
      await fails("wrong-hash", /not what was expected/);
      server.behaviour = (request, response) => serve(request, response, body, { headers });
      assert.equal((await get()).verified, true);
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses another size than the catalogue knows, before anything is written", async () => {
    server.behaviour = (request, response) => serve(request, response, body);
    await fails("wrong-size", new RegExp(`${body.length} and 7 bytes`), { bytes: 7 });
    assert.equal(existsSync(part()), false);
  });

  it("notices a server that promises more than it has", async () => {
    server.behaviour = (request, response, next) => {
      const start = /bytes=(\d+)/.exec(request.headers.range ?? "")?.[1];
      if (next > 0 && start !== undefined) {
        return void response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
      }
      response.writeHead(200, { "content-length": body.length + 100, etag: '"one"' });
      response.write(body, () => response.destroy());
    };
    await fails("wrong-size", /were promised and there are/);
  });

  it("notices a server that promises less than the model has", async () => {
    server.behaviour = (request, response) => serve(request, response, body.subarray(0, body.length - 100));
    await fails("no-model", /ends 100 bytes too early/);
    assert.equal(existsSync(part()), false);
  });

  it("refuses a page instead of a model", async () => {
    server.behaviour = (_, response) => void response.end("<html>Log in</html>");
    await fails("no-model", /is not a GGUF file/);
  });

  it("tells who wants to know who asks, and where terms are accepted", async () => {
    const answer = (status: number) => () => {
      server.behaviour = (_, response) => void response.writeHead(status).end();
    };
    answer(401)();
    await fails(
      "gated",
      /wants to know who asks \(401\)\. If it is gated, accept its terms at https:\/\/huggingface\.co\/google\/gated/,
      {
        address: "hf:google/gated/m.gguf",
      },
    );
    answer(403)();
    await fails("gated", /does not allow this \(403\)\. Fetch it with a program that is logged in there/);
    answer(404)();
    await fails("not-found", /There is no http:.*m\.gguf \(404\)/);
    await fails("not-found", /has no repository user\/none with a revision main \(404\)/, {
      address: "hf:user/none:Q4_K_M",
    });
    answer(503)();
    await fails("server", /a problem of its own \(503\)/);
    assert.equal(
      server.requests.filter(({ url }) => url === "/files/m.gguf").length,
      1 + 1 + 3,
      "only the last is tried again",
    );
  });

  it("sends the token to the hub, and to nobody else", async () => {
    const elsewhere = await TestServer.start();
    elsewhere.behaviour = (request, response) => serve(request, response, body);
    server.behaviour = (_, response) =>
      void response
        .writeHead(302, { location: `${elsewhere.base}/blob`, "x-linked-etag": `"${sha256}"` })
        .end();
    assert.equal((await get({ address: "hf:user/model/m.gguf" }, { token: "secret" })).verified, true);
    assert.equal(server.requests[0]!.headers.authorization, "Bearer secret");
    assert.equal(elsewhere.requests[0]!.headers.authorization, undefined);
    await elsewhere.stop();
  });

  it("waits as a busy server asks for, but not for minutes", async () => {
    server.behaviour = (request, response, next) =>
      next === 0
        ? void response.writeHead(429, { "retry-after": "0" }).end()
        : serve(request, response, body);
    await get({ sha256 });
    rmSync(folder, { recursive: true });
    server.behaviour = (_, response) => void response.writeHead(429, { "retry-after": "3600" }).end();
    await fails("busy-server", /\(429\)\. Try again in 60 min/);
  });

  it("tells at once when there is no connection", async () => {
    await server.stop();
    await fails("offline", /cannot be reached \(ECONNREFUSED\)\. Check the connection/, {}, { waits: [1e9] });
    server = await TestServer.start();
  });

  it("ends a circle of redirections", async () => {
    server.behaviour = (_, response) => void response.writeHead(302, { location: "/files/m.gguf" }).end();
    await fails("redirects", /without end/);
  });

  it("asks for space before it begins", async () => {
    server.behaviour = (_, response) => {
      response.writeHead(200, { "content-length": 2 ** 52 });
      response.write("GGUF");
    };
    await fails("disk-full", /needs .* more and .* has .* free\. Make room/);
  });

  it("says when the folder cannot be one", async () => {
    writeFileSync(path.join(scratch, "file"), "");
    await fails("folder", /is not a folder/, {}, { folder: path.join(scratch, "file") });
    await fails("folder", /is not a folder/, {}, { folder: path.join(scratch, "file", "below") });
  });

  it("follows no name out of the folder", async () => {
    server.behaviour = (request, response) =>
      serve(request, response, body, {
        headers: { "content-disposition": 'attachment; filename="../../evil.gguf"' },
      });
    for (const address of [
      `${base}/..%2f..%2fevil.gguf`,
      `${base}/..%5Cevil.gguf`,
      `${base}/download?id=1`,
      "hf:user/model/../../evil.gguf",
    ]) {
      await fails("name", /leave the folder|leads out of its folder/, { address });
    }
    assert.deepEqual(readdirSync(scratch), existsSync(folder) ? ["models"] : []);
  });

  it("takes the name that a server proposes when the address has none", async () => {
    server.behaviour = (request, response) =>
      serve(request, response, body, {
        headers: { "content-disposition": 'attachment; filename="mine.gguf"' },
      });
    assert.equal((await get({ address: `${base}/download?id=1` })).path, path.join(folder, "mine.gguf"));
  });

  it("keeps what came when it is cancelled", async () => {
    const controller = new AbortController();
    server.behaviour = (_, response) => {
      response.writeHead(200, { "content-length": body.length, etag: '"one"' });
      response.write(body.subarray(0, 3 << 20));
    };
    const work = get({ sha256 }, { stallMs: 60_000 }, controller.signal, ({ received }) => {
      if (received >= 2 << 20) {
        controller.abort(new Error("enough"));
      }
    });
    await assert.rejects(work, /enough/);
    assert.ok(readFileSync(part()).length >= 2 << 20);
    server.behaviour = (request, response) => serve(request, response, body);
    await get({ sha256 });
    assert.match(server.requests.at(-1)!.headers.range!, /^bytes=[2-3]\d{6}-$/);
  });

  it("never fetches one file twice at a time", async () => {
    server.behaviour = (request, response) => serve(request, response, body);
    const downloader = new Downloader({ folder, waits: [] });
    const wanted = { address: `${base}/m.gguf`, sha256 };
    const { signal } = new AbortController();
    const [one, two] = await Promise.all([1, 2].map(() => downloader.get(wanted, signal, () => undefined)));
    assert.deepEqual(one, two);
    assert.equal(server.requests.length, 1);

    writeFileSync(path.join(folder, ".n.gguf.lock"), String(process.pid));
    await assert.rejects(get({ address: `${base}/n.gguf` }), { kind: "in-progress" });
    utimesSync(path.join(folder, ".n.gguf.lock"), 1, 1); // from before the machine was started: the number is anybody's
    await get({ address: `${base}/n.gguf` });
    writeFileSync(path.join(folder, ".o.gguf.lock"), ""); // it is about to say whose it is
    await assert.rejects(get({ address: `${base}/o.gguf` }), /already, by another process\./);
    rmSync(path.join(folder, "n.gguf"));
    writeFileSync(path.join(folder, ".n.gguf.lock"), "99999999"); // nobody's
    await get({ address: `${base}/n.gguf` });
    assert.deepEqual(models().sort(), ["m.gguf", "n.gguf"]);
  });

  it("finds a file by its quantisation in the hub's list, with size and hash", async () => {
    const listed = (name: string, oid: string): unknown => ({
      type: "file",
      path: name,
      size: body.length,
      lfs: { oid, size: body.length, pointerSize: 134 },
    });
    server.behaviour = (request, response) => {
      if (request.url === "/api/models/user/model/tree/main?recursive=true") {
        const files = [
          { type: "directory", path: "sub" },
          { type: "file", path: "README.md", size: 5, oid: "1" },
          listed("mmproj-m-Q4_K_M.gguf", "0".repeat(64)),
          listed("m-Q4_K_M.gguf", sha256),
          listed("m-Q8_0.gguf", "1".repeat(64)),
        ];
        return void response.end(JSON.stringify(files));
      }
      serve(request, response, body);
    };
    const done = await get({ address: "hf:user/model:q4_k_m" });
    assert.equal(path.basename(done.path), "m-Q4_K_M.gguf");
    assert.equal(done.verified, true);
    assert.equal(server.requests.at(-1)!.url, "/user/model/resolve/main/m-Q4_K_M.gguf");
    await assert.rejects(get({ address: "hf:user/model:Q2_K" }), {
      kind: "not-found",
      message: /It has Q4_K_M, Q8_0\./,
    });
  });

  describe("in parts", () => {
    const partOf = async (no: number, count: number): Promise<Buffer> => {
      const file = path.join(scratch, `${no}.gguf`);
      const split = [
        ["general.architecture", "string", "llama"],
        ["split.no", "u32", no],
        ["split.count", "u32", count],
      ] as const;
      await writeTestGguf(file, [...split], [[`a${no}`, [32, 2], "F32"]]);
      return readFileSync(file);
    };

    it("fetches all of a split model", async () => {
      const parts = [await partOf(0, 2), await partOf(1, 2)];
      server.behaviour = (request, response) =>
        serve(request, response, parts[request.url!.includes("00002-of") ? 1 : 0]!);
      const done = await get({ address: `${base}/big-00002-of-00002.gguf` });
      assert.equal(path.basename(done.path), "big-00001-of-00002.gguf");
      assert.equal(done.bytes, parts[0]!.length + parts[1]!.length);
      assert.deepEqual(models(), ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"]);
    });

    it("does not believe a name's number of parts", async () => {
      server.behaviour = (request, response) => serve(request, response, body);
      for (const name of [
        "one-00001-of-00900.gguf",
        "none-00001-of-00000.gguf",
        "many-00001-of-99999.gguf",
      ]) {
        const before = server.requests.length;
        assert.equal((await get({ address: `${base}/${name}` })).bytes, body.length, name);
        assert.equal(server.requests.length, before + 1, name);
      }
      const three = await partOf(0, 3);
      server.behaviour = (request, response) => serve(request, response, three);
      await assert.rejects(get({ address: `${base}/two-00001-of-00002.gguf` }), {
        kind: "no-model",
        message: /one of 3 parts, and its name that it is one of 2/,
      });
    });

    it("takes no single hash for several files, and no list that lacks one", async () => {
      await fails("address", /in 2 files/, { address: `${base}/m-00001-of-00002.gguf#sha256=${sha256}` });
      await fails("address", /in 2 files/, { address: `${base}/m-00001-of-00002.gguf`, sha256 });
      server.behaviour = (_, response) =>
        void response.end(JSON.stringify([{ type: "file", path: "m-Q4_0-00001-of-00002.gguf", size: 5 }]));
      await fails("not-found", /lacks m-Q4_0-00002-of-00002\.gguf/, { address: "hf:user/model:Q4_0" });
    });
  });

  describe("without a hash", () => {
    const half = (): number => body.length >> 1;

    it("goes on where the server tells no tag, and asks for a little that it has once more", async () => {
      server.behaviour = (request, response, next) =>
        serve(request, response, body, {
          until: next === 0 ? half() : body.length,
          headers: { etag: "" },
        });
      assert.ok(readFileSync((await get()).path).equals(body));
      assert.deepEqual(
        server.requests.map(({ headers }) => headers.range),
        [undefined, `bytes=${half() - (1 << 16)}-`],
      );
    });

    it("never joins two files, whatever the server says of them", async () => {
      const other = Buffer.from(body);
      randomBytes(other.length - 4096).copy(other, 4096);
      for (const etag of ["", '"two"']) {
        server.requests.length = 0;
        server.behaviour = (request, response, next) => {
          delete request.headers["if-range"]; // a server that does not know it
          const headers = { etag: etag === "" ? "" : next === 0 ? '"one"' : etag };
          serve(request, response, next === 0 ? body : other, {
            until: next === 0 ? half() : other.length,
            headers,
          });
        };
        const done = await get({ address: `${base}/files/${etag.length}.gguf` });
        assert.ok(readFileSync(done.path).equals(other), etag);
        assert.equal(server.requests.length, 3);
      }
    });
  });

  it("tells a server that promises more than it ever sends", async () => {
    server.behaviour = (_, response) => {
      response.writeHead(200, { "content-length": body.length + 1_000 });
      response.write(body, () => response.destroy());
    };
    await fails(
      "interrupted",
      new RegExp(
        `promises ${body.length + 1_000} bytes of m\\.gguf and ends each time after ${body.length}\\. It cannot`,
      ),
    );
  });

  it("says why it connects again, and waits for no date that is far", async () => {
    const problems: (string | undefined)[] = [];
    server.behaviour = (request, response, next) =>
      serve(request, response, body, { until: next === 0 ? 100_000 : body.length });
    await get({}, {}, undefined, ({ problem }) => problems.push(problem));
    assert.match(problems.filter((one) => one !== undefined).join(), /^The connection to \S+ was lost/);

    server.requests.length = 0;
    for (const status of [429, 503]) {
      server.behaviour = (_, response) =>
        void response
          .writeHead(status, { "retry-after": new Date(Date.now() + 600_000).toUTCString() })
          .end();
      await assert.rejects(get({ address: `${base}/n.gguf` }), /Try again in (10 min|\d+ min)\.$/);
    }
    assert.equal(server.requests.length, 2);
  });

  it("tells at once what is no web server", async () => {
    server.behaviour = (_, response) => void response.socket!.end("SSH-2.0-server\r\n");
    await fails("address", /does not speak HTTP/);
    assert.equal(server.requests.length, 1);
  });

  it("wants encryption where there is no hash", async () => {
    await fails("insecure", /not encrypted/, { address: "http://models.example/m.gguf" });
  });

  it("understands nothing that is no address", async () => {
    const half = `${base}/m.gguf#sha256=123`;
    for (const address of ["qwen", "ftp://x/m.gguf", "hf:model", "hf:../x", "https://", half]) {
      await fails("address", /is no address of a model/, { address });
    }
  });
});
