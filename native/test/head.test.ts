import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import {
  captureHeadInputs,
  checkHead,
  checkHeadCopy,
  clearHead,
  createHeadMaker,
  headCounters,
  headKernels,
  headSupport,
  holdTokens,
  setHead,
  setHeadRows,
  studyHead,
} from "../../src/engine/head";
import { decode, evaluate } from "../../src/engine/native";
import { TestModel, type Shape } from "./models/model";
import { HeadCopy } from "./reference/headCopy";
import { maxRelativeDifference, NativeFixture, randomTokens, relativeError, removeFolder } from "./support";

const SHAPE: Shape = {
  arch: "qwen2",
  layers: 1,
  embedding: 256,
  ffn: 256,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  vocabulary: 1003, // not a multiple of the copy's blocks
  tied: false,
};
const IDENTITY = { identity: "a model" };
/** `eos_token_id` of a {@link TestModel}. */
const END = 2;

describe("the screened head", function () {
  this.timeout(120_000);
  let fixture: NativeFixture;
  let folder: string;
  let test: TestModel;
  let model: LlamaModel;
  let inputs: Float32Array;
  let file: string;
  let copy: HeadCopy;
  const tokens = [...randomTokens(SHAPE, 64)];

  before(async () => {
    fixture = await NativeFixture.create();
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-head-"));
    test = new TestModel(SHAPE, (name) => (name === "output.weight" ? "Q8_0" : "F32"));
    model = await fixture.load(test);
    inputs = await capture(model, tokens);
    file = await make(model, inputs, "a.head");
    copy = new HeadCopy(file);
  });
  after(async () => {
    await fixture.dispose();
    removeFolder(folder);
  });

  async function capture(of: LlamaModel, text: readonly number[]): Promise<Float32Array> {
    const context = await fixture.context(of);
    try {
      return await captureHeadInputs(context, text, { position: 0, outputs: text.length });
    } finally {
      await context.dispose();
    }
  }

  async function make(of: LlamaModel, of_: Float32Array, name: string): Promise<string> {
    const target = path.join(folder, name);
    const maker = createHeadMaker(of, of_, { ...IDENTITY, file: target, threads: 1 });
    try {
      while ((await maker.step()) < 1);
    } finally {
      maker.dispose();
    }
    return target;
  }

  async function screened(kernels?: string): Promise<LlamaContext> {
    const context = await fixture.context(model);
    setHead(context, file, kernels === undefined ? IDENTITY : { ...IDENTITY, kernels });
    return context;
  }

  /** Of `output.weight` and an input, in float64. */
  function logits(input: Float32Array): Float64Array {
    const { rows, cols, values } = test.matrix("output.weight");
    return Float64Array.from({ length: rows }, (_, row) =>
      input.reduce((sum, x, i) => sum + x * values[row * cols + i]!, 0),
    );
  }
  const inputAt = (i: number): Float32Array =>
    inputs.subarray(i * SHAPE.embedding, (i + 1) * SHAPE.embedding);
  const inOrder = (scores: Float64Array): number[] =>
    [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  /** What the copy, read alone, would choose. */
  const bestRow = (i: number): number => inOrder(copy.scores(inputAt(i)))[0]!;
  /** What the full head chooses after each token. */
  async function fullChoices(text: readonly number[] = tokens): Promise<number[]> {
    const context = await fixture.context(model);
    return [...(await decode(context, text, { position: 0, outputs: text.length })).next];
  }
  /** One token after the other. */
  async function choices(
    context: LlamaContext,
    options: { readonly allowed?: Int32Array } = {},
  ): Promise<number[]> {
    const chosen: number[] = [];
    for (const [position, token] of tokens.entries()) {
      const { next } = await decode(context, [token], { position, outputs: 1, ...options });
      chosen.push(next[0]!);
    }
    return chosen;
  }

  it("is given what the model's own head is given", async () => {
    const evaluated = await evaluate(await fixture.context(model), Int32Array.from(tokens), { logits: true });
    for (const i of [0, 20, 63]) {
      const row = evaluated.logits!.subarray(i * SHAPE.vocabulary, (i + 1) * SHAPE.vocabulary);
      assert.ok(relativeError(logits(inputAt(i)), row) < 0.02, `position ${i}`);
    }
  });

  it("has a copy whose scores are near the logits, nearest in its first dimensions", () => {
    const dimension = (d: number): number =>
      Array.from({ length: 200 }, (_, row) => copy.row(row)[d]! ** 2).reduce((a, b) => a + b);
    for (const i of [3, 40]) {
      assert.ok(relativeError(copy.scores(inputAt(i)), logits(inputAt(i))) < 0.3, `position ${i}`);
    }
    // A row's numbers in all dimensions are of one size: how large a dimension is, the rotation says.
    assert.ok(dimension(0) < 4 * dimension(100) && dimension(100) < 4 * dimension(0));
    const size = (d: number): number =>
      Math.hypot(...copy.rotation.subarray(d * SHAPE.embedding, (d + 1) * SHAPE.embedding));
    assert.ok(size(copy.dims) > 0);
  });

  it("has scores whose error on such inputs is near the least that is possible", () => {
    // Of all approximations of rank 64, by the eigenvalues of the Gram matrix of the centred logits on the inputs themselves.
    const rows = Array.from({ length: 64 }, (_, i) => {
      const row = logits(inputAt(i));
      const { embedding, dims, rotation } = copy;
      const mean = inputAt(i).reduce((sum, x, j) => sum + x * rotation[dims * embedding + j]!, 0);
      return row.map((x) => x - mean);
    });
    const total = rows.reduce((sum, row) => sum + row.reduce((s, x) => s + x * x, 0), 0);
    const left = rows.reduce((sum, row, i) => {
      const scores = copy.scores(inputAt(i));
      const mean = logits(inputAt(i))[0]! - row[0]!;
      return sum + row.reduce((s, x, j) => s + (x + mean - scores[j]!) ** 2, 0);
    }, 0);
    assert.ok(left / total < 0.05, `${left / total}`);
  });

  for (const kernels of ["avx512", "avx2", "neon", "scalar"]) {
    it(`scores with ${kernels} as in float64`, async function () {
      if (!headKernels(model).includes(kernels)) {
        this.skip();
      }
      const context = await screened(kernels);
      setHeadRows(context, 50);
      const study = await studyHead(context, inputs, 1);
      for (let i = 0; i < 64; i++) {
        const exact = logits(inputAt(i));
        const order = inOrder(copy.scores(inputAt(i)));
        // The input is rounded to int8 before it is multiplied: neighbours may change places.
        const rank = order.indexOf(study.best[i]!);
        assert.ok(Math.abs(study.rank[i]! - rank) <= 2 + rank / 10, `${study.rank[i]} and ${rank}`);
        const best = study.best[i]!;
        const scores = copy.scores(inputAt(i));
        const kept = new Set([...order.slice(0, 50), best]);
        const sum = [...exact.keys()].reduce(
          (s, row) => s + Math.exp((kept.has(row) ? exact : scores)[row]! - exact[best]!),
          0,
        );
        assert.ok(
          Math.abs(study.estimated[i]! + Math.log(sum)) < 0.05,
          `${study.estimated[i]} and ${-Math.log(sum)}`,
        );
      }
    });
  }

  it("chooses as the full head does, and reads less", async () => {
    const context = await screened();
    setHeadRows(context, 64);
    assert.deepEqual(await choices(context), await fullChoices());
    const { tokens: count, rows, bytes } = headCounters(context);
    assert.equal(count, 64);
    assert.ok(rows <= 64 * (64 + 64));
    const rowBytes = headSupport(model).bytes / SHAPE.vocabulary;
    assert.equal(bytes, count * statSync(file).size + rows * rowBytes);
  });

  it("chooses after the few last tokens of a batch, and after many with the full head", async () => {
    const expected = await fullChoices();
    const context = await screened();
    setHeadRows(context, 64);
    const few = await decode(context, tokens, { position: 0, outputs: 8 });
    assert.deepEqual([...few.next], expected.slice(-8));
    assert.equal(headCounters(context).tokens, 8);
    const many = await decode(context, tokens, { position: 0, outputs: 9 });
    assert.deepEqual([...many.next], expected.slice(-9));
    assert.equal(headCounters(context).tokens, 8);
  });

  it("always computes the rows of the text's own tokens, and forgets them with the text", async () => {
    const expected = await fullChoices();
    const context = await screened();
    setHeadRows(context, 1);
    const alone = await choices(context);
    assert.notDeepEqual(alone, expected, "one row is enough: the test shows nothing");
    const wrong = alone.findIndex((token, i) => token !== expected[i]);
    await decode(context, tokens.slice(0, wrong), { position: 0, outputs: 0 });
    const again = async (): Promise<number> =>
      (await decode(context, [tokens[wrong]!], { position: wrong, outputs: 1 })).next[0]!;
    assert.equal(await again(), alone[wrong]);
    holdTokens(context, [...tokens.slice(0, wrong - 1), expected[wrong]!]);
    assert.equal(await again(), expected[wrong]);
    holdTokens(context, tokens.slice(0, wrong));
    assert.equal(await again(), alone[wrong]);
  });

  it("always computes the rows of tokens that end a text", async () => {
    const context = await screened();
    setHeadRows(context, 1);
    await choices(context);
    const wanted = tokens.map((_, i) => new Set([END, ...tokens.slice(0, i + 1), bestRow(i)]).size);
    assert.equal(
      headCounters(context).rows,
      wanted.reduce((sum, size) => sum + size, 0),
    );
  });

  it("chooses among the allowed tokens only, however few of all rows are best", async () => {
    const few = Int32Array.of(11, 200, 42, 7, 1002);
    const full = await fixture.context(model);
    const context = await screened();
    setHeadRows(context, 5);
    assert.deepEqual(await choices(context, { allowed: few }), await choices(full, { allowed: few }));
    const many = Int32Array.from({ length: 500 }, (_, i) => 2 * i);
    setHeadRows(context, 100);
    assert.deepEqual(await choices(context, { allowed: many }), await choices(full, { allowed: many }));
  });

  it("scores labels from their exact rows and the estimate of the others", async () => {
    const full = await fixture.context(model);
    const context = await screened();
    setHeadRows(context, 256);
    const labels = Int32Array.of(5, 900, 77, 1002);
    const options = { position: 0, outputs: 4, labels };
    const exact = (await decode(full, tokens, options)).logLikelihood;
    const estimated = (await decode(context, tokens, options)).logLikelihood;
    estimated.forEach((value, i) => assert.ok(Math.abs(value - exact[i]!) < 0.1, `${value} and ${exact[i]}`));
    const whole = (await decode(context, tokens, { ...options, fullHead: true })).logLikelihood;
    assert.ok(maxRelativeDifference(whole, exact) < 1e-5);
    setHeadRows(context, SHAPE.vocabulary);
    const all = (await decode(context, tokens, options)).logLikelihood;
    assert.ok(maxRelativeDifference(all, exact) < 1e-3);
  });

  it("compares one choice in 200 with the full head's", async () => {
    const context = await screened();
    setHeadRows(context, 64);
    for (let round = 0; round < 7; round++) {
      await choices(context);
    }
    assert.deepEqual(await checkHead(context), { checked: 2, missed: 0 });
    assert.deepEqual(await checkHead(context), { checked: 0, missed: 0 });
  });

  it("is the full head again when it is cleared, and in an evaluation", async () => {
    const context = await screened();
    setHeadRows(context, 1);
    const { top1 } = await evaluate(context, Int32Array.from(tokens.slice(0, 4)));
    const expected = await fullChoices();
    assert.deepEqual([...top1], expected.slice(0, 3));
    clearHead(context);
    assert.deepEqual(await choices(context), expected);
    assert.equal(headCounters(context).tokens, 0);
  });

  for (const type of ["F32", "F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"] as const) {
    for (const tied of [false, true]) {
      it(`computes rows of type ${type} as the full head does${tied ? ", tied to the embedding" : ""}`, async () => {
        const other = new TestModel({ ...SHAPE, tied }, (name) =>
          /^(output|token_embd)\.weight$/.test(name) ? type : "F32",
        );
        const loaded = await fixture.load(other, { repack: false });
        const made = await make(loaded, await capture(loaded, tokens), `${type}-${tied}.head`);
        const context = await fixture.context(loaded);
        setHead(context, made, IDENTITY);
        setHeadRows(context, 128);
        const full = await fixture.context(loaded);
        assert.deepEqual(await choices(context), await choices(full));
        assert.equal(headCounters(context).tokens, 64);
      });
    }
  }

  describe("a copy that is not good", () => {
    const refused = (change: (data: Buffer) => Buffer, why: RegExp, identity = IDENTITY): void => {
      const bad = path.join(folder, "bad.head");
      writeFileSync(bad, change(Buffer.from(readFileSync(file))));
      assert.throws(() => checkHeadCopy(model, bad, identity), why);
    };

    it("is refused when it is cut short", () => {
      refused((data) => data.subarray(0, data.length - 64), /cut short/);
      refused((data) => data.subarray(0, 20), /cut short/);
      refused(() => Buffer.alloc(0), /cut short/);
    });

    it("is refused when a bit has changed", () => {
      const flipped =
        (at: (data: Buffer) => number) =>
        (data: Buffer): Buffer => {
          data[at(data)]! ^= 4;
          return data;
        };
      refused(
        flipped(() => 100),
        /damaged/,
      ); // a size
      refused(
        flipped(() => 400),
        /damaged/,
      ); // the rotation
      refused(
        flipped((data) => data.length - 1),
        /damaged/,
      ); // a scale
    });

    it("is refused when it is of another version or another model", () => {
      refused((data) => (data.writeUInt32LE(99, 8), data), /another version/);
      refused((data) => data, /another model/, { identity: "another" });
    });

    it("is not made of a head with rows that are not numbers, nor of inputs that are not", async () => {
      const broken = new TestModel(SHAPE, () => "F32");
      const head = broken.matrix("output.weight");
      const target = fixture.newPath();
      broken.write(target);
      const data = readFileSync(target);
      const row = Buffer.from(Float32Array.from(head.values.subarray(0, 8)).buffer);
      const at = data.indexOf(row);
      assert.ok(at > 0);
      data.writeFloatLE(NaN, at + 8);
      broken.write = (to) => writeFileSync(to, data);
      const loaded = await fixture.load(broken);
      await assert.rejects(make(loaded, inputs, "nan.head"), /not numbers/);
      assert.throws(() => readFileSync(path.join(folder, "nan.head")), /ENOENT/);
      const maker = (): unknown =>
        createHeadMaker(model, new Float32Array(256).fill(NaN), { ...IDENTITY, file: "x", threads: 1 });
      assert.throws(maker, /not numbers/);
    });

    it("is not there when its making ends early", async () => {
      const target = path.join(folder, "early.head");
      const maker = createHeadMaker(model, inputs, { ...IDENTITY, file: target, threads: 1 });
      while ((await maker.step()) < 0.39);
      maker.dispose();
      assert.throws(() => readFileSync(target), /ENOENT/);
    });

    it("is not written where there is no folder", async () => {
      await assert.rejects(make(model, inputs, "no/such/folder"), /cannot be written: No such file/);
    });
  });
});
