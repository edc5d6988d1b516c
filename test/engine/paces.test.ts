import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { unwrap } from "../../src/engine/client";
import type { SparsifyResult } from "../../src/engine/protocol";
import { chooseRatio } from "../../src/sparsity/guard";
import { modelPath } from "../testModel";
import { root, sparsification, TestEngine } from "./support";

const MODELS = {
  "where tokens choose": { model: modelPath, fastest: 0.4 },
  "where all tokens read the same rows": {
    model: `${root}/test/fixtures/model/lacuna-9m.F16.gguf`,
    fastest: 0.2,
  },
};

for (const [name, { model, fastest }] of Object.entries(MODELS)) {
  describe(`a share that is to be faster, ${name}`, () => {
    let folder: string;
    let paceFile: string;
    before(() => {
      folder = mkdtempSync(path.join(tmpdir(), "lacuna-paces-"));
      paceFile = path.join(folder, "paces.json");
    });
    after(() => {
      rmSync(folder, { recursive: true });
    });

    /** Of an engine that is started anew. */
    async function auto(maxQualityLoss = 10): Promise<SparsifyResult> {
      const engine = await TestEngine.loaded({ modelPath: model, paceFile });
      try {
        const request = sparsification({ sparsity: "auto", maxQualityLoss, faster: true });
        return unwrap(await engine.client.sparsify(request));
      } finally {
        engine.client.dispose();
      }
    }

    /** What the file says, with other costs. */
    const pretend = (cost: number): void => {
      const [[key]] = Object.entries(JSON.parse(readFileSync(paceFile, "utf8")) as object) as [
        [string, unknown],
      ];
      writeFileSync(paceFile, JSON.stringify({ [key]: { [fastest]: { cost, at: Date.now() } } }));
    };

    it("is measured here once", async () => {
      const { activeRatio, guard, why } = await auto();
      if (activeRatio === 1) {
        assert.equal(why, "Reading less would not be faster on this machine.");
      } else {
        assert.equal(activeRatio, chooseRatio(guard, 10));
      }
      assert.ok(existsSync(paceFile), "it is known for other starts");
    });

    it("is not looked for when it is known that there is none", async () => {
      pretend(1.2);
      const { activeRatio, attribution, why } = await auto();
      assert.equal(activeRatio, 1);
      assert.equal(attribution.tokens, 0, "nothing was attributed");
      assert.equal(why, "Reading less would not be faster on this machine.");
    });

    it("is taken without measuring it again when it is known to be faster", async () => {
      pretend(0.5);
      const before = readFileSync(paceFile, "utf8");
      const { activeRatio, guard } = await auto();
      assert.equal(chooseRatio(guard, 10), fastest, "so much loss allows it");
      assert.equal(activeRatio, fastest);
      assert.equal(readFileSync(paceFile, "utf8"), before);
    });
  });
}
