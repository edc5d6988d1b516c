import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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

  it("is made with the folders above it; says so where a system has no place for it, and does not wait for one", async () => {
    await new ModelFolder(path.join(folder, "a", "b", "c")).create();
    await new ModelFolder(path.join(folder, "a", "b", "c")).create();
    assert.ok(statSync(path.join(folder, "a", "b", "c")).isDirectory());
    await assert.rejects(new ModelFolder(path.join(folder, "m.gguf", "b")).create(), /is not a folder/);
    if (process.platform === "linux") {
      await assert.rejects(
        new ModelFolder("/proc/models/a").create(),
        /\/proc\/models\/a may not be written/,
      );
    }
  });

  it("believes no record that it cannot have written, and removes no model for one", async () => {
    const [record] = JSON.parse(readFileSync(path.join(folder, "models.json"), "utf8")) as [object];
    for (const damage of [
      ...[{ sha256: 5 }, { sha256: "x" }, { at: 7 }, { at: "then" }, { bytes: "5" }, { address: null }],
      ...[{ file: 1 }, { file: "../m.gguf" }],
    ]) {
      started = Date.now() + 1e6; // every file is looked at again
      const records = [null, 1, [], { ...record, ...damage }];
      writeFileSync(path.join(folder, "models.json"), JSON.stringify(records));
      assert.deepEqual(await models.names(), ["m.gguf"], JSON.stringify(damage));
      assert.equal((await models.records()).size, 0);
    }
    for (const text of ["", "{", "null", '{"a":1}', '"m.gguf"']) {
      writeFileSync(path.join(folder, "models.json"), text);
      assert.equal((await models.records()).size, 0, text);
    }
  });

  it("takes no folder for a model, neither to name it nor to remove it", async () => {
    mkdirSync(path.join(folder, "d.gguf"));
    assert.deepEqual(await models.names(), ["m.gguf"]);
    assert.equal(await models.remove("d.gguf"), false);
    assert.equal(await models.remove("m.gguf"), true);
    assert.equal(await models.remove("m.gguf"), false);
  });

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
