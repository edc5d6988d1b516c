import assert from "node:assert/strict";
import { CliError } from "../../commandLine/errors";
import { makeTrace } from "./makeTrace";
import { SimulatedEditor } from "./simulatedEditor";
import { changesText, durationOf, parseTrace, type Trace } from "./trace";
import { shippedTraces } from "./traces";

const TRACE: Trace = {
  name: "t",
  source: "here",
  path: "a.ts",
  language: "typescript",
  text: "ab\ncd\n",
  offset: 2,
  events: [{ ms: 10, text: "x" }],
};

function typeOut(trace: Trace): SimulatedEditor {
  const editor = new SimulatedEditor("d", trace.language, trace);
  trace.events.forEach((event) => editor.apply(event));
  return editor;
}

describe("traces", () => {
  it("are read, or refused with what is wrong", () => {
    assert.deepEqual(parseTrace(JSON.stringify(TRACE), "f"), TRACE);
    const refused = (change: object): void =>
      assert.throws(
        () => parseTrace(JSON.stringify({ ...TRACE, ...change }), "f"),
        (error) => error instanceof CliError && error.message.startsWith("f is not a trace: "),
      );
    refused({ text: 5 });
    refused({ offset: 7 });
    refused({ events: [] });
    refused({ files: [{ path: "a.ts" }] });
    refused({ events: [{ ms: -1 }] });
    refused({ events: [{ ms: 1, back: 0.5 }] });
    assert.throws(() => parseTrace("{", "f"), /f is not a trace: it is not JSON\./);
  });

  it("that ship are whole and about a minute long", () => {
    const traces = shippedTraces();
    assert.equal(traces.length, 3);
    assert.equal(new Set(traces.map(({ language }) => language)).size, 3);
    for (const trace of traces) {
      assert.ok(durationOf(trace) > 30_000 && durationOf(trace) < 120_000);
      assert.ok(trace.events.some(({ to }) => to !== undefined));
      assert.ok(trace.files!.length > 0 && trace.files!.every(({ path }) => path !== trace.path));
      assert.ok(trace.events.some(({ back }) => back !== undefined));
      assert.ok(trace.events.every((event) => changesText(event) || event.to !== undefined));
    }
    assert.ok(traces.some(({ events }) => events.some(({ accepted }) => accepted)));
  });
});

describe("makeTrace", () => {
  const text =
    'function f(a) {\n  const b = g(a, [1, 2]);\n\n  if (b) {\n    return "x" + b;\n  }\n}\n\nf(1);\n';
  const file = { name: "t", source: "s", path: "f.js", language: "javascript", text };

  it("takes lines away and types them again", () => {
    const trace = makeTrace(
      file,
      [
        { from: 4, to: 6 },
        { from: 2, to: 3 },
      ],
      1,
    );
    assert.equal(trace.text, "function f(a) {\n}\n\nf(1);\n");
    assert.equal(typeOut(trace).text, text);
    assert.ok(trace.events.some(({ behind }) => behind === "]"));
    assert.ok(trace.events.some(({ over }) => over === 1));
  });

  it("depends on its seed only", () => {
    const regions = [{ from: 2, to: 2 }];
    assert.deepEqual(makeTrace(file, regions, 3), makeTrace(file, regions, 3));
    assert.notDeepEqual(makeTrace(file, regions, 3), makeTrace(file, regions, 4));
  });
});

describe("SimulatedEditor", () => {
  it("types, deletes, types over and jumps", () => {
    const editor = new SimulatedEditor("d", "typescript", TRACE);
    editor.apply({ ms: 0, text: "f(", behind: ")" });
    assert.deepEqual([editor.place().prefix, editor.place().suffix], ["abf(", ")\ncd\n"]);
    editor.apply({ ms: 0, text: ")", over: 1 });
    editor.apply({ ms: 0, back: 3 });
    assert.equal(editor.text, "ab\ncd\n");
    editor.apply({ ms: 0, to: 5, text: "!" });
    assert.deepEqual([editor.place().offset, editor.line, editor.text], [6, 1, "ab\ncd!\n"]);
    const { above, linePrefix, lineSuffix, below } = editor.surroundings(5, 5);
    assert.deepEqual([above, linePrefix, lineSuffix, below], [["ab"], "cd!", "", [""]]);
  });

  it("shows the lines that the extension shows", () => {
    const text = Array.from({ length: 2_000 }, (_, i) => `${i}\n`).join("");
    const editor = new SimulatedEditor("d", "x", { text, offset: text.indexOf("1000\n") });
    const { prefix, suffix } = editor.place();
    assert.equal(prefix.split("\n")[0], "448");
    assert.equal(suffix.split("\n").length, 129);
  });
});
