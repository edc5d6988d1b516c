import assert from "node:assert/strict";
import { unwrap } from "../../src/engine/client";
import { chooseRatio } from "../../src/sparsity/guard";
import { decodeMask } from "../../src/sparsity/maskFormat";
import { completion, errorOf, root, sparsification, TestEngine } from "./support";

describe("sparsifying in the engine process", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.loaded();
  });
  after(() => {
    engine.client.dispose();
  });
  const sparsify = async (overrides: Parameters<typeof sparsification>[0] = {}) =>
    unwrap(await engine.client.sparsify(sparsification(overrides)));
  const complete = async (overrides: Parameters<typeof completion>[0] = {}) =>
    unwrap(await engine.client.complete(completion(overrides)));

  it("attributes, measures, packs, and decodes with the mask", async () => {
    const dense = await complete();
    const result = await sparsify();
    assert.equal(result.source, "attributed");
    assert.equal(result.activeRatio, 0.4);
    assert.equal(result.guard.length, 1);
    assert.ok(Number.isFinite(result.guard[0]!.lossIncrease));
    assert.ok(result.attribution.tokens === 128 && result.attribution.ms > 0);
    assert.ok(result.memory.packedBytes > 0);
    const { values } = result.heatmap;
    assert.ok(values.every((value) => value >= 0 && value <= 1) && values.some((value) => value === 1));
    assert.deepEqual(engine.states.at(-1), { kind: "sparse", activeRatio: 0.4, path: "/a.ts" });

    const sparse = await complete();
    assert.equal(sparse.activeRatio, 0.4);
    assert.ok(Math.abs(sparse.readRatio! - 0.4) < 0.01, `${sparse.readRatio} of the FFN was read`);
    assert.equal(sparse.prefill.tokens, 1, "the KV cache survives the mask");

    const back = await sparsify({ sparsity: "dense" });
    assert.equal(back.source, "dense");
    assert.equal(back.memory.packedBytes, 0);
    assert.equal((await complete()).text, dense.text);
  });

  it("shares neither cache nor mask between documents of one name", async () => {
    const [one, two] = ["file:///one/app/a.ts", "file:///two/app/a.ts"];
    const path = "app/a.ts";
    await sparsify({ path, document: one, sparsity: 0.4, measure: false });
    const first = await complete({ path, document: one });
    const second = await complete({ path, document: two });
    assert.deepEqual([first.activeRatio, second.activeRatio], [0.4, 1]);
    assert.equal(second.prefill.tokens, first.prefill.tokens, "nothing was in the cache");
    await sparsify({ path, document: two, sparsity: "dense" });
    assert.equal((await complete({ path, document: one })).activeRatio, 0.4);
    await sparsify({ path, document: one, sparsity: "dense" });
  });

  it("takes a remembered mask for the share that it was made for", async () => {
    const made = await sparsify({ sparsity: 0.5 });
    const again = await sparsify({ sparsity: 0.5, mask: made.mask! });
    assert.equal(again.source, "remembered");
    assert.ok(Math.abs((await complete()).readRatio! - 0.5) < 0.01);
    const other = await sparsify({ sparsity: 0.6, mask: made.mask! });
    assert.equal(other.source, "attributed");
  });

  it("says what is read at least, where that is more than was asked for", async () => {
    await sparsify({ sparsity: 0.1, measure: false });
    const { activeRatio, readRatio } = await complete();
    assert.equal(activeRatio, 0.1);
    assert.ok(readRatio! > 0.2, "up is read in full");
  });

  it("keeps two documents with different masks apart", async () => {
    await sparsify({ path: "/a.ts", sparsity: 0.3 });
    await sparsify({ path: "/b.ts", sparsity: 0.7 });
    const [a, b] = [await complete({ path: "/a.ts" }), await complete({ path: "/b.ts" })];
    assert.equal(a.activeRatio, 0.3);
    assert.equal(b.activeRatio, 0.7);
    assert.equal((await complete({ path: "/a.ts" })).text, a.text);
  });

  it("measures what a mask costs: less for more neurons, nothing for nearly all of them", async () => {
    const costs: number[] = [];
    for (const sparsity of [0.1, 0.5, 0.98]) {
      const [point] = (await sparsify({ sparsity, metric: "wanda" })).guard;
      assert.equal(point!.activeRatio, sparsity);
      costs.push(point!.lossIncrease);
    }
    const [few, half, nearlyAll] = costs;
    assert.ok(few! > 0.1 && few! > 5 * half!, costs.join(" "));
    assert.ok(Math.abs(nearlyAll!) < 0.02, `${nearlyAll}`);
  });

  it("chooses as dense does with almost everything", async () => {
    const { guard } = await sparsify({ sparsity: 0.99 });
    assert.ok(guard[0]!.top1Agreement > 0.9, `${guard[0]!.top1Agreement}`);
    assert.equal((await complete()).activeRatio, 0.99);
  });

  it("chooses by the guard's curve when asked to", async () => {
    const result = await sparsify({ sparsity: "auto", maxQualityLoss: 0.3 });
    assert.ok(result.guard.length >= 1);
    assert.equal(result.activeRatio, chooseRatio(result.guard, 0.3));
    const strict = await sparsify({ sparsity: "auto", maxQualityLoss: 0 });
    assert.equal(strict.activeRatio, chooseRatio(strict.guard, 0));
  });

  it("takes less for what is not slower only, when asked to, and says why it stays dense", async () => {
    const result = await sparsify({ sparsity: "auto", maxQualityLoss: 0.3, faster: true });
    if (result.source === "dense") {
      assert.equal(result.why, "Reading less would not be faster on this machine.");
      assert.equal((await complete()).activeRatio, 1);
      const again = await sparsify({ sparsity: "auto", maxQualityLoss: 0.3, faster: true });
      assert.equal(again.source, "dense");
    } else {
      assert.equal(result.activeRatio, chooseRatio(result.guard, 0.3));
    }
    assert.ok((await sparsify({ sparsity: 0.5, faster: true })).activeRatio === 0.5, "what is set is taken");
  });

  it("takes a remembered mask instead of attributing, and ignores a damaged one", async () => {
    const { mask, rows } = await sparsify({ sparsity: 0.5 });
    const remembered = await sparsify({ path: "/b.ts", sparsity: 0.5, mask: mask! });
    assert.equal(remembered.source, "remembered");
    assert.deepEqual(remembered.rows, rows);
    assert.equal(remembered.attribution.tokens, 0);

    const other = await sparsify({ path: "/b.ts", sparsity: 0.3, mask: mask! });
    assert.equal(other.source, "attributed", "a fixed ratio is used as given");

    const damaged = Uint8Array.from(mask!);
    damaged[damaged.length >> 1]! ^= 1;
    const again = await sparsify({ path: "/b.ts", sparsity: 0.5, mask: damaged });
    assert.equal(again.source, "attributed");
    assert.ok(engine.logs.some((line) => line.startsWith("Ignoring a remembered mask: ")));

    const decoded = decodeMask(mask!);
    assert.ok(decoded.ok && decoded.mask.activeRatio === 0.5);
  });

  it("does the same with every metric", async () => {
    for (const metric of ["wanda", "flap", "griffin", "magnitude", "snip", "gxo", "random"]) {
      const result = await sparsify({ metric, windowTokens: 48 });
      assert.equal(result.source, "attributed", metric);
    }
  });

  it("lets a completion through, and attributes to the end", async () => {
    let finished = false;
    let completedAt: number | undefined;
    let fraction = 0;
    let asked: Promise<unknown> | undefined;
    const outcome = await engine.client.sparsify(sparsification({ windowTokens: 256 }), {
      onItem: (item) => {
        fraction = item.fraction;
        asked ??= complete({ maxTokens: 4 }).then(() => {
          completedAt = finished ? undefined : fraction;
        });
      },
    });
    finished = true;
    await asked;
    assert.equal(unwrap(outcome).activeRatio, 0.4);
    assert.ok(completedAt !== undefined && completedAt < 1, "the completion had to wait for the attribution");
  });

  it("can be cancelled and leaves the document dense", async () => {
    await sparsify({ sparsity: "dense" });
    const controller = new AbortController();
    const outcome = await engine.client.sparsify(sparsification(), {
      signal: controller.signal,
      onItem: () => {
        controller.abort();
      },
    });
    assert.equal(errorOf(outcome).code, "cancelled");
    assert.equal((await complete()).activeRatio, 1);
    assert.equal(engine.states.at(-1)?.kind, "dense");
  });

  it("refuses senseless requests in one line", async () => {
    for (const overrides of [{ sparsity: 0 }, { sparsity: 1.5 }, { metric: "best" }, { windowTokens: 0 }]) {
      assert.equal(errorOf(await engine.client.sparsify(sparsification(overrides))).code, "bad-request");
    }
  });

  it("stays dense, with the reason, for text that is too short", async () => {
    const result = await sparsify({ path: "/short.ts", prefix: "a", suffix: "" });
    assert.equal(result.source, "dense");
    assert.match(result.why ?? "", /too short/);
  });
});

/** Weights that have no planes: every token reads the same rows. */
describe("sparsifying a model in F16", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.loaded({ modelPath: `${root}/test/fixtures/model/lacuna-9m.F16.gguf` });
  });
  after(() => {
    engine.client.dispose();
  });
  const sparsify = async (overrides: Parameters<typeof sparsification>[0] = {}) =>
    unwrap(await engine.client.sparsify(sparsification(overrides)));
  const total = (rows: readonly number[]): number => rows.reduce((sum, count) => sum + count, 0);

  it("keeps rows for the file, shared out between layers as asked, and measures them", async () => {
    const byError = await sparsify({ budget: "error" });
    const uniform = await sparsify({ budget: "uniform" });
    const mass = await sparsify({ budget: "score-mass" });
    assert.equal(total(byError.rows), total(uniform.rows));
    assert.equal(total(mass.rows), total(uniform.rows));
    assert.equal(new Set(uniform.rows).size, 1);
    assert.ok(new Set(byError.rows).size > 1 && new Set(mass.rows).size > 1);
    assert.ok(Number.isFinite(byError.guard[0]!.lossIncrease));
    const { activeRatio, readRatio } = unwrap(await engine.client.complete(completion()));
    assert.deepEqual([activeRatio, readRatio], [0.4, 0.4]);
    assert.equal((await sparsify({ budget: "score-mass", mask: mass.mask! })).source, "remembered");
  });
});
