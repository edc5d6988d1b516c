import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readAhead } from "./readAhead";

const MIB = 2 ** 20;

describe("reading a model's files ahead", () => {
  let folder: string;
  const sizes = [5 * MIB, 3 * MIB];
  const signal = new AbortController().signal;
  const model = (names = ["a", "b"]) => ({
    fileBytes: 8 * MIB,
    parts: names.map((name) => ({ path: path.join(folder, name) })),
  });

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-ahead-"));
    ["a", "b"].forEach((name, at) => writeFileSync(path.join(folder, name), Buffer.alloc(sizes[at]!)));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("tells how far it is, over all files", async () => {
    const seen: number[] = [];
    await readAhead(model(), (share) => seen.push(share), signal);
    assert.deepEqual([...new Set(seen)], [4 / 8, 5 / 8, 1]);
  });

  it("leaves what is missing to who needs it", async () => {
    const seen: number[] = [];
    await readAhead(model(["none", "b"]), (share) => seen.push(share), signal);
    assert.equal(seen.at(-1), 3 / 8);
  });

  it("reads nothing that does not fit into memory", async () => {
    await readAhead(model(), () => assert.fail(), signal, 8 * MIB - 1);
  });

  it("ends when nobody waits for it any more", async () => {
    const over = new AbortController();
    let pieces = 0;
    await readAhead(
      model(),
      () => {
        pieces++;
        over.abort();
      },
      over.signal,
    );
    assert.equal(pieces, 1);
  });
});
