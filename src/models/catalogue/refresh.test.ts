import assert from "node:assert/strict";
import { Http } from "../download/http";
import { Hub } from "../download/hub";
import { TestServer } from "../download/testing";
import type { CatalogueEntry } from "./catalogue";
import { refresh } from "./refresh";

describe("refreshing the catalogue", () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.stop());

  const entry = (...addresses: readonly string[]): CatalogueEntry =>
    ({
      name: "m",
      files: addresses.map((address) => ({ quantization: "Q4_K_M", address, size: "1.1 GB", source: "" })),
    }) as unknown as CatalogueEntry;

  it("takes sizes and hashes from the hub's list, asks once for each revision, and keeps what the hub does not tell", async () => {
    const sha256 = "ab".repeat(32);
    server.behaviour = (request, response) => {
      // As the hub answers: large files by pointer, small ones without.
      const list = [
        { type: "directory", oid: "4f", size: 0, path: "old" },
        { type: "file", oid: "a1", size: 1519, path: ".gitattributes" },
        {
          type: "file",
          oid: "b2",
          size: 1117320768,
          lfs: { oid: sha256, size: 1117320768, pointerSize: 135 },
          xetHash: "cd".repeat(32),
          path: "m-q4_k_m.gguf",
        },
      ];
      if (request.url === "/api/models/user/m/tree/main?recursive=true") {
        response.end(JSON.stringify(list));
      } else {
        response.writeHead(404).end();
      }
    };
    const hub = new Hub({ http: new Http({ stallMs: 1_000 }), mirror: server.base });
    const { models, notes } = await refresh(
      [
        entry(
          "hf:user/m/m-q4_k_m.gguf",
          "hf:user/m:Q4_K_M",
          "hf:user/m/gone.gguf",
          "hf:user/m/m-q4_k_m.gguf#v1",
        ),
      ],
      hub,
      new AbortController().signal,
    );
    const files = models[0]!.files.map(({ size, sha256: hash }) => [size, hash]);
    assert.deepEqual(files, [
      [1117320768, sha256],
      [1117320768, sha256],
      ["1.1 GB", undefined],
      ["1.1 GB", undefined],
    ]);
    assert.equal(notes.length, 4);
    assert.match(notes[2]!, /does not list it/);
    assert.match(notes[3]!, /has no repository user\/m with a revision v1/);
    assert.equal(server.requests.length, 2);
  });
});
