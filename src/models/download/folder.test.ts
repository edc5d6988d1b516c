import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { findModels } from "../discovery/discovery";
import { writeTestGguf } from "../testing";
import { ModelFolder } from "./folder";

describe("ModelFolder", () => {
  let folder: string;
  /** Milliseconds since when the machine runs. */
  let started: number;
  let models: ModelFolder;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-folder-"));
    started = 0;
    models = new ModelFolder(folder, () => started);
    await adopt("m.gguf");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const adopt = async (name: string): Promise<void> => {
    const part = models.partFile(name);
    await writeTestGguf(part, [["general.architecture", "string", "llama"]], [["a", [64, 64], "F32"]]);
    const body = readFileSync(part);
    const sha256 = createHash("sha256").update(body).digest("hex");
    await models.adopt(name, { address: "https://a/m", bytes: body.length, sha256, verified: false });
  };
  const unsettled = async (): Promise<boolean | undefined> =>
    (await models.records()).get("m.gguf")!.unsettled;
  /** What a machine leaves that goes down before the disk has everything: the size is right, the contents are not. */
  const lose = (): void => {
    const file = models.path("m.gguf");
    writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 4096), Buffer.alloc(12_480)]));
  };

  it("gives a name before the disk has everything, and waits for the disk when asked to", async () => {
    assert.deepEqual(await models.names(), ["m.gguf"]);
    assert.equal(await unsettled(), true);
    await models.settle(true);
    assert.equal(await unsettled(), undefined);
    lose();
    started = Date.now() + 1_000;
    assert.deepEqual(await models.names(), ["m.gguf"], "not read again: what changed it was somebody else");
  });

  it("keeps what is whole after the machine went down", async () => {
    started = Date.now() + 1_000;
    assert.deepEqual(await models.names(), ["m.gguf"]);
    assert.equal(await unsettled(), undefined);
  });

  it("offers nothing that a machine left half-written when it went down", async () => {
    lose();
    assert.deepEqual(await models.names(), ["m.gguf"], "it has not gone down");
    started = Date.now() + 1_000;
    assert.deepEqual(await models.names(), []);
    assert.deepEqual([...(await models.records()).keys()], []);
  });

  it("is settled by whoever looks for models", async () => {
    lose();
    const index = path.join(folder, "models.json");
    writeFileSync(index, readFileSync(index, "utf8").replace(/"at": "\d+/, '"at": "1999'));
    assert.deepEqual(await findModels({ home: folder, env: {}, extra: [folder] }), []);
  });
});
