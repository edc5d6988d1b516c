import assert from "node:assert/strict";
import { failureLines, missingPiece, parseProgress, Progress } from "./progress.mjs";

/** A stream that remembers what was written. */
const recorder = (properties = {}) => ({
  text: "",
  write(text) {
    this.text += text;
  },
  ...properties,
});

describe("parseProgress", () => {
  it("reads ninja and make", () => {
    assert.deepEqual(parseProgress("[5/20] Building CXX object a.o"), {
      fraction: 0.25,
      text: "5 of 20 steps",
    });
    assert.deepEqual(parseProgress("[ 12%] Building CXX object a.o"), { fraction: 0.12, text: "12 %" });
    assert.equal(parseProgress("a.cpp:3:1: warning: [1/2]"), undefined);
  });
});

describe("failureLines", () => {
  it("begins with what the compiler said about the first failure", () => {
    const output = [
      "[1/3] Building CXX object good.o",
      "FAILED: addon/a.o ",
      "ccache /usr/bin/c++ -O3 -c a.cpp",
      "a.cpp:3:1: error: expected ';'",
      "[2/3] Building CXX object other.o",
      "ninja: build stopped: subcommand failed.",
    ];
    assert.deepEqual(failureLines(output), [
      "a.cpp:3:1: error: expected ';'",
      "ninja: build stopped: subcommand failed.",
    ]);
  });
  it("finds an error of CMake or make", () => {
    const output = [...Array(50).fill("-- found"), "CMake Error at CMakeLists.txt:3:", "  no compiler"];
    assert.deepEqual(failureLines(output), [
      "-- found",
      "-- found",
      "CMake Error at CMakeLists.txt:3:",
      "  no compiler",
    ]);
  });
  it("falls back to the end", () => {
    assert.deepEqual(failureLines(["a", "b", "c"], 2), ["b", "c"]);
  });
});

describe("missingPiece", () => {
  it("names what CMake did not find, and nothing else", () => {
    const output = ['  Target "ggml-cuda" links to:', "    CUDA::cublas", "  but the target was not found."];
    assert.match(missingPiece(output), /^cuBLAS is missing: install libcublas-dev/);
    assert.equal(missingPiece(["a.cpp:3:1: error: expected ';'"]), undefined);
  });
});

describe("Progress", () => {
  it("writes every tenth of the way to a CI log", () => {
    const stream = recorder();
    const progress = new Progress({ stream, ci: true });
    progress.phase("Compiling");
    for (let i = 1; i <= 100; i++) progress.update(i / 100, `${i} of 100 steps`);
    progress.end();
    assert.equal(stream.text.match(/\d+ of 100 steps/g).length, 10);
    assert.match(stream.text, /^Compiling\n {2}10 of 100 steps/);
  });
  it("is quiet in a pipe", () => {
    const stream = recorder();
    const progress = new Progress({ stream, ci: false });
    progress.phase("Compiling");
    progress.update(0.5, "1 of 2 steps");
    progress.end();
    assert.equal(stream.text, "Compiling\n");
  });
  it("rewrites one line of a terminal, within its width", () => {
    const stream = recorder({ isTTY: true, columns: 20 });
    const progress = new Progress({ stream, ci: false });
    progress.phase("Compiling");
    progress.update(0.5, "100 of 200 steps");
    assert.equal(stream.text.split("\r\u001b[K").at(-1).length, 19);
    progress.end();
    assert.equal(stream.text.match(/\n/g).length, 1);
  });
});
