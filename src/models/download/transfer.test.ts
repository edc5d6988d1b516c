import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DownloadError } from "./errors";
import { Http } from "./http";
import { serve, TestServer } from "./testing";
import { Transfer, type TransferResult } from "./transfer";

describe("Transfer", () => {
  const body = randomBytes(12 << 20);
  const sha256 = createHash("sha256").update(body).digest("hex");
  let scratch: string;
  let server: TestServer;
  before(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), "lacuna-transfer-"));
    server = await TestServer.start();
    server.behaviour = (request, response) => serve(request, response, body);
  });
  after(async () => {
    await server.stop();
    rmSync(scratch, { recursive: true });
  });

  const partFile = (): string => path.join(scratch, "m.part");
  const run = (openFile?: ConstructorParameters<typeof Transfer>[3]): Promise<TransferResult> =>
    new Transfer(
      new Http({ stallMs: 2_000 }),
      {
        url: new URL(`${server.base}/m.gguf`),
        partFile: partFile(),
        name: "m.gguf",
        bytes: body.length,
        sha256,
        terms: undefined,
        headers: {},
        signal: new AbortController().signal,
        onProgress: () => undefined,
      },
      [1],
      openFile,
    ).run();

  /** A disk that has room for so many bytes. */
  const small =
    (room: number) =>
    async (file: string, flags: string): Promise<FileHandle> => {
      const handle = await open(file, flags);
      const writev = handle.writev.bind(handle);
      handle.writev = (async (chunks: readonly Uint8Array[], position: number) => {
        if (position + chunks.reduce((sum, { byteLength }) => sum + byteLength, 0) > room) {
          throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
        }
        return writev(chunks, position);
      }) as FileHandle["writev"];
      return handle;
    };

  it("says that the disk is full when it becomes so on the way, and goes on once there is room", async () => {
    await assert.rejects(run(small(6 << 20)), (error: unknown) => {
      assert.ok(error instanceof DownloadError);
      assert.equal(error.kind, "disk-full", error.message);
      assert.ok(error.message.includes(scratch), error.message);
      return true;
    });
    const kept = statSync(partFile()).size;
    assert.ok(kept > 0 && kept <= 6 << 20, String(kept));
    server.requests.length = 0;
    assert.deepEqual(await run(), { bytes: body.length, sha256, verified: true });
    assert.equal(server.requests[0]!.headers.range, `bytes=${kept}-`);
    assert.ok(readFileSync(partFile()).equals(body));
    rmSync(partFile());
    assert.ok(!existsSync(partFile()));
  });
});
