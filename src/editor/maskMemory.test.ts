import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Mask } from "../sparsity/mask";
import { encodeMask } from "../sparsity/maskFormat";
import { MaskMemory, type Wanted } from "./maskMemory";

const TEXT = "const one = 1;\nconst two = one + one;\nexport function three() {\n  return one + two;\n}\n";

describe("MaskMemory", () => {
  let folder: string;
  let warnings: string[];
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-masks-"));
    warnings = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (at = folder): MaskMemory =>
    new MaskMemory(at, { write: (_level, message) => void warnings.push(message) });
  const mask: Mask = {
    modelFingerprint: "model",
    metric: "wanda",
    activeRatio: 0.5,
    sketch: new Uint32Array(),
    createdAt: 1,
    guard: [],
    selection: { kind: "rows", layers: [{ size: 8, rows: Int32Array.of(1, 3, 5, 7) }] },
  };
  const wanted: Wanted = {
    modelFingerprint: "model",
    document: "file:///a.ts",
    text: TEXT,
    metric: "wanda",
    sparsity: 0.5,
  };
  const remember = (memory: MaskMemory, document = wanted.document): Promise<void> =>
    memory.remember(document, TEXT, encodeMask(mask));

  it("recalls what another window has remembered", async () => {
    await remember(open());
    assert.ok(await open().recall(wanted));
    assert.deepEqual(warnings, []);
  });
  it("recalls nothing for another model, file, metric or share", async () => {
    await remember(open());
    for (const other of [
      { modelFingerprint: "x" },
      { document: "x" },
      { metric: "flap" },
      { sparsity: 0.4 },
    ]) {
      assert.equal(await open().recall({ ...wanted, ...other }), undefined);
    }
    assert.ok(await open().recall({ ...wanted, sparsity: "auto" }));
  });
  it("recalls nothing when the file has become another", async () => {
    await remember(open());
    assert.equal(await open().recall({ ...wanted, text: "import os\nprint(os.name)\n" }), undefined);
    assert.ok(await open().recall({ ...wanted, text: `${TEXT}// one more line\n` }));
  });
  it("survives two windows that write at once", async () => {
    const [a, b] = [open(), open()];
    await Promise.all([remember(a), remember(b), remember(a, "file:///b.ts"), remember(b, "file:///b.ts")]);
    assert.ok(await a.recall(wanted));
    assert.ok(await b.recall({ ...wanted, document: "file:///b.ts" }));
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith(".tmp")),
      [],
    );
  });
  it("goes on where no folder can be made, and says so", async function () {
    if (process.platform !== "linux") {
      this.skip(); // there is no such place elsewhere
    }
    await remember(open("/proc/lacuna/masks"));
    assert.equal(await open("/proc/lacuna/masks").recall(wanted), undefined);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /could not be remembered: EPERM: no folder can be made in \/proc/);
  });
  it("throws away a damaged file and says so once", async () => {
    await remember(open());
    const file = path.join(folder, readdirSync(folder)[0]!);
    truncateSync(file, 40);
    const memory = open();
    assert.equal(await memory.recall(wanted), undefined);
    assert.equal(await memory.recall(wanted), undefined);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /Ignoring a remembered mask/);
    assert.deepEqual(readdirSync(folder), []);
  });
  it("goes on when nothing can be written, and says so", async () => {
    const blocked = path.join(folder, "file");
    writeFileSync(blocked, "not a folder");
    const memory = open(path.join(blocked, "masks"));
    await remember(memory);
    assert.equal(await memory.recall(wanted), undefined);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /could not be remembered/);
  });
  it("remembers nothing that is no mask", async () => {
    await open().remember(wanted.document, TEXT, new Uint8Array([1, 2, 3]));
    assert.deepEqual(readdirSync(folder), []);
  });
});
