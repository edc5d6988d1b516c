import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { StateStore } from "./stateStore";

describe("StateStore", () => {
  let scratch: string;
  let directory: string;
  beforeEach(() => {
    scratch = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));
    directory = path.join(scratch, "states");
  });
  afterEach(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  const put = (store: StateStore, document: string, text: string): Promise<number | undefined> =>
    store.put(document, (file) => writeFile(file, text));
  const found = async (store: StateStore, document: string): Promise<string | undefined> => {
    const file = await store.find(document);
    return file === undefined ? undefined : readFileSync(file, "utf8");
  };

  it("finds what was kept, for the same document and use only", async () => {
    const store = new StateStore(directory, "model a");
    assert.equal(await put(store, "x.ts", "state"), 5);
    assert.equal(await found(store, "x.ts"), "state");
    assert.equal(await found(store, "y.ts"), undefined);
    assert.equal(await found(new StateStore(directory, "model b"), "x.ts"), undefined);
    assert.equal(await found(new StateStore(directory, "model a"), "x.ts"), "state");
    await put(store, "x.ts", "newer");
    assert.equal(await found(store, "x.ts"), "newer");
    await store.forget("x.ts");
    assert.deepEqual(readdirSync(directory), []);
  });

  it("is for its owner's eyes and tells no paths", async () => {
    await put(new StateStore(directory, "m"), "/home/me/secret-project/x.ts", "state");
    // On Windows, folders of a user are the user's.
    const forOthers = (file: string): number =>
      process.platform === "win32" ? 0 : statSync(file).mode & 0o077;
    assert.equal(forOthers(directory), 0);
    for (const name of readdirSync(directory)) {
      assert.equal(forOthers(path.join(directory, name)), 0);
      assert.doesNotMatch(name + readFileSync(path.join(directory, name), "utf8"), /secret/);
    }
  });

  it("ignores and removes a damaged file", async () => {
    const store = new StateStore(directory, "m");
    for (const damage of [
      (state: string) => writeFileSync(state, "stat!"),
      (state: string) => writeFileSync(state, "st"),
      (state: string) => writeFileSync(`${state}.json`, "{"),
      (state: string) => rmSync(`${state}.json`),
    ]) {
      await put(store, "x.ts", "state");
      damage((await store.find("x.ts"))!);
      assert.equal(await store.find("x.ts"), undefined);
      assert.deepEqual(readdirSync(directory), []);
    }
  });

  it("keeps no more than its limits, the latest used", async () => {
    const store = new StateStore(directory, "m", { maxFiles: 2, maxBytes: 10 });
    await put(store, "a", "aaa");
    await new Promise((resolve) => setTimeout(resolve, 15));
    await put(store, "b", "bbb");
    await new Promise((resolve) => setTimeout(resolve, 15));
    await store.find("a");
    await new Promise((resolve) => setTimeout(resolve, 15));
    await put(store, "c", "ccc");
    assert.deepEqual(
      [await found(store, "a"), await found(store, "b"), await found(store, "c")],
      ["aaa", undefined, "ccc"],
    );
    assert.equal(await put(store, "d", "d".repeat(11)), undefined);
    await put(store, "e", "e".repeat(9));
    assert.equal(await found(store, "a"), undefined);
    assert.equal(await found(store, "e"), "e".repeat(9));
  });

  it("removes what processes that were killed while they wrote have left, and nothing else", async () => {
    const store = new StateStore(directory, "m");
    await put(store, "x.ts", "state");
    const state = (await store.find("x.ts"))!;
    const files = [`${state}.123`, `${state}.456`, path.join(directory, "notes.123")];
    for (const [index, file] of files.entries()) {
      writeFileSync(file, "half a state");
      if (index !== 1) {
        utimesSync(file, 1, 1);
      }
    }
    await put(store, "y.ts", "state");
    assert.deepEqual(
      files.map((file) => existsSync(file)),
      [false, true, true],
    );
    assert.equal(await found(store, "x.ts"), "state");
  });

  it("leaves nothing behind when writing fails", async () => {
    const store = new StateStore(directory, "m");
    assert.equal(await store.put("a", () => Promise.reject(new Error("disk full"))), undefined);
    assert.deepEqual(readdirSync(directory), []);
    writeFileSync(path.join(scratch, "file"), "");
    assert.equal(await put(new StateStore(path.join(scratch, "file"), "m"), "a", "x"), undefined);
    if (process.platform === "linux") {
      assert.equal(await put(new StateStore("/proc/lacuna/states", "m"), "a", "x"), undefined);
    }
  });
});
