import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PromptPlanner, type PlanTokenizer } from "../completion/promptPlan";
import type { DocumentContext } from "./document";
import { Documents } from "./documents";
import { StateStore } from "./stateStore";

/** As much of a document's native state as keeping it needs; its state takes a byte for each token. */
class FakeContext {
  exact: number[] = [];
  readonly packedBytes = 0;
  disposed = false;
  writes = 0;

  async save(file: string, tokens: readonly number[]): Promise<void> {
    this.writes++;
    await writeFile(file, Buffer.alloc(tokens.length));
  }
  restore(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

const tokenizer: PlanTokenizer = {
  bos: undefined,
  tokenize: () => [],
  special: () => undefined,
  text: () => undefined,
};

describe("Documents", () => {
  let directory: string;
  let contexts: FakeContext[];
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));
    contexts = [];
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const documents = (kvBytes: number, maxBytes: number, maxStateBytes = 1000): Documents =>
    new Documents({
      create: () => {
        const context = new FakeContext();
        contexts.push(context);
        return Promise.resolve(context as unknown as DocumentContext);
      },
      planner: () => new PromptPlanner(undefined, tokenizer),
      kvBytes,
      maxBytes,
      states: new StateStore(directory, "model", { maxFiles: 8, maxBytes: maxStateBytes }),
      onRestored: () => undefined,
    });

  const tokens = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

  it("keep as many as there is room for, the latest used", async () => {
    const kept = documents(100, 250);
    await kept.get("a");
    await kept.get("b");
    await kept.get("a");
    await kept.get("c");
    assert.deepEqual(
      contexts.map(({ disposed }) => disposed),
      [false, true, false],
    );
    assert.equal(kept.peek("b"), undefined);
  });

  it("do not write a state again and again that is too large to be kept", async () => {
    const kept = documents(100, 1000, 200);
    const document = await kept.get("a");
    const context = contexts[0]!;
    const growTo = async (length: number): Promise<void> => {
      context.exact = tokens(length);
      for (const unsaved of kept.unsaved()) {
        await kept.save(unsaved);
      }
    };
    await growTo(150);
    assert.equal(context.writes, 1);
    await growTo(300);
    assert.equal(context.writes, 2);
    await growTo(400);
    await growTo(500);
    assert.equal(context.writes, 2);
    // Something else, which is short enough.
    document.saved = [];
    await growTo(180);
    assert.equal(context.writes, 3);
  });

  it("leave a state on disk when its document has to make room before it is written anew", async () => {
    const kept = documents(100, 150);
    const document = await kept.get("a");
    contexts[0]!.exact = tokens(100);
    await kept.save(document);
    contexts[0]!.exact = tokens(200);
    const [unsaved] = kept.unsaved();
    await kept.get("b");
    contexts[0]!.save = () => Promise.reject(new Error("The context is disposed"));
    await kept.save(unsaved!);
    assert.notEqual(await new StateStore(directory, "model").find("a"), undefined);
  });
});
