import assert from "node:assert/strict";
import { serverArguments, type LlamaServer } from "../common/llamaServer";
import { LlamaVscode } from "./llamaVscode";
import { inputOf, keptOf, shownOf } from "./llamaVscodeRules";
import { SimulatedEditor } from "./simulatedEditor";

interface Asked {
  readonly input_prefix: string;
  readonly input_suffix: string;
  readonly prompt: string;
}

/** Answers after a turn of the event loop; counts. */
class FakeServer {
  readonly pid = process.pid;
  readonly asked: Asked[] = [];
  answers: string[] = [];

  async infill(body: Asked): Promise<{ readonly content: string }> {
    this.asked.push(body);
    await new Promise((resolve) => setImmediate(resolve));
    return { content: this.answers.shift() ?? "" };
  }
  tokens(): Promise<{ readonly prompt: number; readonly generated: number }> {
    return Promise.resolve({ prompt: 3, generated: 4 });
  }
}

const shown = (): never => {
  throw new Error("nothing should be shown");
};

describe("the emulation of llama.vscode", () => {
  let server: FakeServer;
  let system: LlamaVscode;
  let editor: SimulatedEditor;
  beforeEach(() => {
    server = new FakeServer();
    system = new LlamaVscode(server as unknown as LlamaServer, "a.ts");
    editor = new SimulatedEditor("d", "typescript", { text: "one\n  tw\nthree\n", offset: 8 });
  });

  async function change(text: string, signal = new AbortController().signal): Promise<string[]> {
    const told: string[] = [];
    editor.apply({ ms: 0, text });
    await system.changed(editor, { signal, first: () => told.push("first"), full: () => told.push("full") });
    return told;
  }

  it("asks with the lines above, the line so far and the lines below", async () => {
    server.answers = ["o();"];
    assert.deepEqual(await change("x"), ["first", "full"]);
    const { input_prefix, prompt, input_suffix } = server.asked[0]!;
    assert.deepEqual([input_prefix, prompt, input_suffix], ["one\n", "  twx", "\nthree\n\n"]);
  });

  it("serves what it knows, and asks ahead for what follows", async () => {
    server.answers = ["abc\nd", "", ""];
    await change("x");
    const usage = await system.finish();
    assert.deepEqual(server.asked[1]!.input_prefix, "one\n  twxabc\n");
    assert.equal(usage.requests, server.asked.length);
    assert.deepEqual(await change("a"), ["first", "full"]);
  });

  it("does not ask for a key that another has outdated while it waited", async () => {
    server.answers = ["y"];
    const first = change("x");
    const outdated = await change("y", AbortSignal.abort());
    assert.deepEqual(outdated, []);
    await first;
    await system.finish();
    assert.ok(server.asked.every(({ prompt }) => !prompt.endsWith("xy") || prompt === "  twxy"));
    assert.equal(server.asked[0]!.prompt, "  twx");
  });

  it("shows nothing that repeats the next line, and nothing before much text", async () => {
    server.answers = ["ee"];
    const twice = new SimulatedEditor("d", "typescript", { text: "one\nthr\nthree\n", offset: 7 });
    await system.changed(twice, {
      signal: new AbortController().signal,
      first: shown,
      full: shown,
    });
    assert.equal(server.asked.length, 1);
    const middle = new SimulatedEditor("d", "typescript", { text: "a(b, ccccccccc)\n", offset: 2 });
    await system.changed(middle, {
      signal: new AbortController().signal,
      first: shown,
      full: shown,
    });
  });

  it("gives the server a batch that leaves room in the context", () => {
    const words = serverArguments({ binary: "s", modelPath: "m", contextSize: 1024, threads: 2 }, 1);
    assert.equal(words[words.indexOf("--batch-size") + 1], "880");
    assert.equal(words[words.indexOf("--cache-reuse") + 1], "256");
  });
});

describe("the rules of llama.vscode", () => {
  const around = { above: [], linePrefix: "  a", lineSuffix: "", below: ["", "  next();", "  last();"] };

  for (const [content, kept] of [
    ["b;\n\n", "b;"],
    ["b;\n  c;", "b;\n  c;"],
    [" \n", undefined],
    ["\n\n  next();\n  last();", undefined],
  ] as const) {
    it(`keeps ${JSON.stringify(kept)} of ${JSON.stringify(content)}`, () => {
      assert.equal(keptOf(content, around), kept);
    });
  }

  for (const [linePrefix, content, kept] of [
    ["", "  next();", undefined],
    ["  n", "ext();\n  la", undefined],
    ["  n", "ext();\n  last();\n  more();", "ext();\n  last();\n  more();"],
    ["", "  next();\n  other();", "  next();\n  other();"],
  ] as const) {
    it(`keeps ${JSON.stringify(kept)} of ${JSON.stringify(content)} after ${JSON.stringify(linePrefix)}`, () => {
      assert.equal(keptOf(content, { ...around, linePrefix }), kept);
    });
  }

  it("keeps the first line before what stands right of the cursor, without that", () => {
    const closed = { ...around, lineSuffix: ");" };
    assert.equal(keptOf("b);\n  c;", closed), "b");
    assert.equal(keptOf("b\n  c;", closed), "b");
  });

  it("asks without the indentation of an empty line, and takes it off the answer", () => {
    const blank = { ...around, linePrefix: "    " };
    assert.deepEqual([inputOf(blank).prompt, inputOf(blank).indent], ["", 4]);
    assert.equal(shownOf("    b;\n    c;", blank), "b;\n    c;");
    assert.equal(shownOf("      b;", blank), "  b;");
    assert.equal(shownOf(" b;", around), " b;");
  });
});
