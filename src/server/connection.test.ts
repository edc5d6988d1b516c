import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { HttpProxyAgent } from "http-proxy-agent";
import { EngineFailure } from "../engine/errors";
import { parseServerAddress } from "./address";
import { Connection, type ConnectionOptions } from "./connection";
import { json, ServerDouble } from "./testing";

const { signal } = new AbortController();
const fixture = (name: string): string =>
  readFileSync(new URL(`../../test/fixtures/certificate/${name}`, import.meta.url), "utf8");
const open = (address: string, options: Partial<ConnectionOptions> = {}): Connection =>
  new Connection({ address: parseServerAddress(address), ...options });

/** Of a request that fails. */
async function failure(work: Promise<unknown>): Promise<EngineFailure> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineFailure, String(error));
  return error;
}

describe("an address", () => {
  for (const [text, shown, isLocal] of [
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080", true],
    [" localhost:11434/ ", "http://localhost:11434", true],
    ["http://[::1]:8080/v1", "http://[::1]:8080", true],
    ["https://ai.example.com/llm/v1/", "https://ai.example.com/llm", false],
    ["workstation:8000/v1/completions", "http://workstation:8000", false],
    ["http://127.0.0.1.example.com", "http://127.0.0.1.example.com", false],
  ] as const) {
    it(`may be ${text}`, () => {
      const address = parseServerAddress(text);
      assert.equal(address.shown, shown);
      assert.equal(address.isLocal, isLocal);
    });
  }
  for (const text of ["", "ftp://host", "http://", "http://me:secret@host:1"]) {
    it(`may not be "${text}", and no password is repeated`, () =>
      assert.throws(
        () => parseServerAddress(text),
        (error: Error) => !error.message.includes("secret"),
      ));
  }
});

describe("a connection", () => {
  let server: ServerDouble;
  beforeEach(async () => {
    server = await ServerDouble.start({ "/props": (_, response) => json(response, { ok: true }) });
  });
  afterEach(() => server.stop());

  it("sends the key as a bearer token, and none where there is none", async () => {
    await open(server.address, { key: "k" }).json("props", undefined, signal);
    await open(server.address).json("props", undefined, signal);
    assert.deepEqual(
      server.asked.map(({ headers }) => headers.authorization),
      ["Bearer k", undefined],
    );
  });

  it("follows no redirect to another host", async () => {
    const elsewhere = await ServerDouble.start({ "/props": (_, response) => json(response, {}) });
    const location = `http://localhost:${elsewhere.port}/props`;
    server.routes["/props"] = (_, response) => response.writeHead(307, { location }).end();
    const error = await failure(open(server.address, { key: "k" }).json("props", {}, signal));
    assert.equal(error.code, "server-refused");
    assert.ok(
      error.message.includes(`http://localhost:${elsewhere.port}`) && error.message.includes(server.address),
    );
    assert.equal(elsewhere.asked.length, 0);
    await elsewhere.stop();
  });

  it("follows none to another port of the same host, nor in a circle", async () => {
    const elsewhere = await ServerDouble.start({ "/props": (_, response) => json(response, {}) });
    const location = `${elsewhere.address}/props`;
    server.routes["/props"] = (_, response) => response.writeHead(307, { location }).end();
    const refused = await failure(open(server.address, { key: "k" }).json("props", {}, signal));
    assert.equal(refused.code, "server-refused");
    assert.equal(elsewhere.asked.length, 0);
    await elsewhere.stop();
    server.routes["/props"] = (_, response) => response.writeHead(302, { location: "/props" }).end();
    const circle = await failure(open(server.address).json("props", {}, signal));
    assert.match(circle.message, /again and again, at last to \/props/);
  });

  for (const location of ["http://[::bad", "javascript:alert(1)"]) {
    it(`follows none to ${location}`, async () => {
      server.routes["/props"] = (_, response) => response.writeHead(307, { location }).end();
      const error = await failure(open(server.address).json("props", undefined, signal));
      assert.equal(error.code, "server-refused");
      assert.ok(error.message.includes(location), error.message);
    });
  }

  it("sends no key that a header cannot hold, and says so without it", async () => {
    const error = await failure(open(server.address, { key: "se\ncret" }).json("props", undefined, signal));
    assert.equal(error.code, "server-refused");
    assert.ok(!error.message.includes("cret") && error.message.includes("Set Server Key"), error.message);
    assert.equal(server.asked.length, 0);
  });

  it("tells when the server wants to be asked again", async () => {
    server.routes["/props"] = (_, response) => response.writeHead(503, { "retry-after": "7" }).end();
    assert.equal((await open(server.address).json("props", undefined, signal)).afterMs, 7_000);
    server.routes["/props"] = (_, response) => response.writeHead(503, { "retry-after": "soon" }).end();
    assert.equal((await open(server.address).json("props", undefined, signal)).afterMs, undefined);
  });

  it("gives a document up that does not come to its end", async () => {
    server.routes["/props"] = (_, response) => void response.writeHead(200).write(" ");
    const error = await failure(open(server.address, { documentMs: 30 }).json("props", undefined, signal));
    assert.equal(error.code, "server-away");
  });

  it("follows one to another path of the same host", async () => {
    server.routes["/old"] = (_, response) => response.writeHead(308, { location: "/props" }).end();
    assert.deepEqual((await open(server.address).json("old", { a: 1 }, signal)).value, { ok: true });
    assert.deepEqual(server.of("/props")[0]!.body, { a: 1 });
  });

  it("replaces a connection that was kept and is closed by now", async () => {
    const connection = open(server.address);
    const { port } = server;
    await connection.json("props", undefined, signal);
    await server.stop();
    server = await ServerDouble.start({ "/props": (_, response) => json(response, { ok: 2 }) }, port);
    assert.deepEqual((await connection.json("props", undefined, signal)).value, { ok: 2 });
    connection.dispose();
  });

  it("names the address where nobody is, and the reason", async () => {
    const { address } = server;
    await server.stop();
    const error = await failure(open(address).json("props", undefined, signal));
    assert.equal(error.code, "server-away");
    assert.equal(
      error.message,
      `No server answers at ${address} (connection refused). Start it, or correct the address.`,
    );
    server = await ServerDouble.start();
  });

  it("gives a host up that does not answer", async () => {
    const silent = net.createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    // Connects, but no TLS comes of it.
    const error = await failure(
      open(`https://127.0.0.1:${port}`, { connectMs: 30 }).json("props", undefined, signal),
    );
    assert.match(error.message, /no connection in time/);
    silent.close();
  });

  it("goes through a proxy", async () => {
    const proxy = await ServerDouble.start({
      "http://ai.example.com/props": (_, response) => json(response, { through: "proxy" }),
    });
    const agent = new HttpProxyAgent(proxy.address);
    const connection = open("http://ai.example.com", { agent: () => agent });
    assert.deepEqual((await connection.json("props", undefined, signal)).value, { through: "proxy" });
    agent.destroy();
    await proxy.stop();
  });

  it("trusts a certificate that it is given, and no other", async () => {
    const secure = https.createServer(
      { key: fixture("key.pem"), cert: fixture("certificate.pem") },
      (_, response) => json(response, { secure: true }),
    );
    await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
    const address = `https://localhost:${(secure.address() as AddressInfo).port}`;
    const error = await failure(open(address, { connectMs: 5_000 }).json("props", undefined, signal));
    assert.equal(error.code, "server-refused");
    assert.match(error.message, /not trusted.*lacuna\.serverCertificates/);
    const trusting = open(address, { certificates: [fixture("certificate.pem")], connectMs: 5_000 });
    assert.deepEqual((await trusting.json("props", undefined, signal)).value, { secure: true });
    trusting.dispose();
    secure.closeAllConnections();
    await new Promise((resolve) => secure.close(resolve));
  });
});
