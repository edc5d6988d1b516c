import assert from "node:assert/strict";
import type { Mask } from "./mask";
import { MaskStore, type StoreFs } from "./maskStore";
import { sketch } from "./similarity";

class MemoryFs implements StoreFs {
  readonly files = new Map<string, { bytes: Uint8Array; usedAt: number }>();
  clock = 0;
  full = false;

  list() {
    return Promise.resolve(
      [...this.files].map(([name, { bytes, usedAt }]) => ({ name, bytes: bytes.length, usedAt })),
    );
  }
  read(name: string) {
    const file = this.files.get(name);
    return file ? Promise.resolve(file.bytes) : Promise.reject(new Error("no such file"));
  }
  write(name: string, bytes: Uint8Array) {
    // A full disk leaves a partial file behind, as a real one does.
    this.files.set(name, { bytes: this.full ? bytes.subarray(0, 7) : bytes, usedAt: this.clock++ });
    return this.full ? Promise.reject(new Error("no space left on device")) : Promise.resolve();
  }
  rename(from: string, to: string) {
    this.files.set(to, this.files.get(from)!);
    this.files.delete(from);
    return Promise.resolve();
  }
  remove(name: string) {
    this.files.delete(name);
    return Promise.resolve();
  }
  touch(name: string) {
    this.files.get(name)!.usedAt = this.clock++;
    return Promise.resolve();
  }
}

const text = "export const answer = 6 * 7; export const question = undefined;";

function maskOf(content = text, modelFingerprint = "model"): Mask {
  return {
    modelFingerprint,
    metric: "wanda",
    activeRatio: 0.5,
    sketch: sketch(content),
    createdAt: 1,
    guard: [],
    selection: { kind: "rows", layers: [{ size: 8, rows: Int32Array.of(1, 2, 5, 6) }] },
  };
}

describe("MaskStore", () => {
  let fs: MemoryFs;
  let warnings: string[];
  const store = (maxFiles = 10, maxBytes = 1e6) =>
    new MaskStore(fs, { maxFiles, maxBytes }, (message) => warnings.push(message));

  beforeEach(() => {
    fs = new MemoryFs();
    warnings = [];
  });

  it("returns the mask with the similarity of the content", async () => {
    await store().put("/a.ts", maskOf());
    const found = await store().get("model", "/a.ts", sketch(text));
    assert.deepEqual(found?.mask, maskOf());
    assert.equal(found.similarity, 1);
    assert.equal((await store().get("model", "/a.ts", sketch("something else")))?.similarity, 0);
  });

  it("knows nothing of other files and other models", async () => {
    await store().put("/a.ts", maskOf());
    assert.equal(await store().get("model", "/b.ts", sketch(text)), undefined);
    assert.equal(await store().get("other", "/a.ts", sketch(text)), undefined);
    assert.deepEqual(warnings, []);
  });

  it("evicts the least recently used", async () => {
    const s = store(2);
    await s.put("/a.ts", maskOf());
    await s.put("/b.ts", maskOf());
    await s.get("model", "/a.ts", sketch(text));
    await s.put("/c.ts", maskOf());
    assert.notEqual(await s.get("model", "/a.ts", sketch(text)), undefined);
    assert.equal(await s.get("model", "/b.ts", sketch(text)), undefined);
    assert.notEqual(await s.get("model", "/c.ts", sketch(text)), undefined);
  });

  it("keeps within its bytes, but always the newest", async () => {
    const s = store(10, 1);
    await s.put("/a.ts", maskOf());
    await s.put("/b.ts", maskOf());
    assert.deepEqual(fs.files.size, 1);
    assert.notEqual(await s.get("model", "/b.ts", sketch(text)), undefined);
  });

  it("ignores and removes a damaged file, with a warning", async () => {
    await store().put("/a.ts", maskOf());
    [...fs.files.values()][0]!.bytes[40]! ^= 1;
    assert.equal(await store().get("model", "/a.ts", sketch(text)), undefined);
    assert.equal(warnings.length, 1);
    assert.equal(fs.files.size, 0);
  });

  it("leaves the old mask and no rubbish when the disk is full", async () => {
    await store().put("/a.ts", maskOf());
    fs.full = true;
    assert.equal(await store().put("/a.ts", maskOf("new content")), false);
    assert.match(warnings[0]!, /no space left/);
    assert.equal(fs.files.size, 1);
    assert.equal((await store().get("model", "/a.ts", sketch(text)))?.similarity, 1);
  });

  it("removes temporary files of crashed writers, not those being written", async () => {
    fs.files.set("old.tmp", { bytes: new Uint8Array(1), usedAt: 0 });
    fs.clock = 3_600_000;
    fs.files.set("new.tmp", { bytes: new Uint8Array(1), usedAt: fs.clock });
    await store().put("/a.ts", maskOf());
    assert.equal(fs.files.has("old.tmp"), false);
    assert.equal(fs.files.has("new.tmp"), true);
  });
});
