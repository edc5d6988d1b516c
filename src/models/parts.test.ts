import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readGguf } from "./gguf";
import { checkModel, fingerprint } from "./modelCheck";
import { partName, readModel } from "./parts";
import { splitGguf, writeTestGguf } from "./testing";

describe("a model whose file is split", () => {
  let directory: string;
  let source: string;
  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));
    source = path.join(directory, "whole.gguf");
    await writeTestGguf(
      source,
      [
        ["general.architecture", "string", "llama"],
        ["tokenizer.ggml.model", "string", "gpt2"],
      ],
      Array.from(
        { length: 5 },
        (_, index) => [`blk.${index}.ffn_up.weight`, [32, index + 1], "F32"] as const,
      ),
    );
  });
  after(() => rmSync(directory, { recursive: true }));

  const message = (file: string): string => {
    const check = checkModel(file, () => true);
    assert.ok(!check.ok);
    return check.problem.message;
  };

  it("is known by the name of any part", () => {
    assert.deepEqual(partName("/m/a-00002-of-00003.gguf"), {
      part: 2,
      files: ["/m/a-00001-of-00003.gguf", "/m/a-00002-of-00003.gguf", "/m/a-00003-of-00003.gguf"],
    });
    for (const name of ["a.gguf", "a-00001-of-00001.gguf", "a-00004-of-00003.gguf", "a-1-of-3.gguf"]) {
      assert.equal(partName(name), undefined, name);
    }
  });

  it("has the sizes of the whole, whichever part is chosen, and also when the first has no tensors", () => {
    const { tensors } = readGguf(source);
    for (const counts of [
      [2, 3],
      [0, 2, 3],
      [1, 1, 1, 1, 1],
    ]) {
      const files = splitGguf(source, directory, `m${counts.length}`, counts);
      for (const file of files) {
        const check = checkModel(file, (name) => name === "llama");
        assert.ok(check.ok, file);
        assert.deepEqual(
          check.header.tensors.map(({ name, bytes }) => [name, bytes]),
          tensors.map(({ name, bytes }) => [name, bytes]),
        );
        assert.equal(check.header.parts[0]!.path, files[0]);
        const sizes = files.map((one) => readGguf(one).fileBytes);
        assert.equal(
          check.header.fileBytes,
          sizes.reduce((sum, size) => sum + size, 0),
        );
      }
    }
  });

  it("is told from another by the weights in any of its parts", () => {
    const files = splitGguf(source, directory, "weights", [2, 3]);
    const before = fingerprint(files[0]!, readModel(files[0]!));
    assert.equal(fingerprint(files[1]!, readModel(files[1]!)), before);
    const { dataOffset, fileBytes } = readGguf(files[1]!);
    const header = readModel(files[0]!);
    writeFileSync(files[1]!, Buffer.alloc(fileBytes - dataOffset, 1), { flag: "r+" });
    assert.notEqual(fingerprint(files[0]!, header), before);
  });

  it("says which part is missing, of how many, and where it was looked for", () => {
    const files = splitGguf(source, directory, "gap", [1, 1, 1, 2]);
    rmSync(files[2]!);
    for (const file of files) {
      assert.equal(
        message(file),
        `${file} lacks part 3 of 4: there is no gap-00003-of-00004.gguf in ${directory}. Put all parts of the model into one folder.`,
      );
    }
    rmSync(files[0]!);
    assert.match(message(files[1]!), /lacks parts 1 and 3 of 4: there is no gap-00001-of-00004\.gguf in /);
    files.slice(1).forEach((file) => rmSync(file, { force: true }));
    assert.match(message(files[0]!), /^There is no model at .*gap-00001-of-00004\.gguf/);
  });

  it("says what a part should be called that has another name", () => {
    const [, second] = splitGguf(source, directory, "named", [2, 3]);
    const renamed = path.join(directory, "second.gguf");
    copyFileSync(second!, renamed);
    assert.match(message(renamed), /is part 2 of a model in 2 parts, .* Let it end in -00002-of-00002\.gguf/);
    const swapped = path.join(directory, "named-00001-of-00002.gguf");
    copyFileSync(second!, swapped);
    assert.match(message(swapped), /is part 2 of a model in 2 parts/);
    for (const [from, to] of [
      ["-of-", "-OF-"],
      [".gguf", ".GGUF"],
    ] as const) {
      const files = splitGguf(source, directory, "capital", [2, 3]).map((file) => {
        const other = file.replace(from, to);
        renameSync(file, other);
        return other;
      });
      assert.deepEqual(partName(files[1]!)?.files, files);
      assert.match(
        message(files[1]!),
        /is part 2 of a model in 2 parts, .* Let it end in -00002-of-00002\.gguf/,
      );
    }
    assert.match(message(second!), /goes with .*named-00001-of-00002\.gguf, which is not part 1 of 2/);
  });

  it("says which part is damaged", () => {
    const files = splitGguf(source, directory, "damaged", [2, 3]);
    writeFileSync(files[1]!, "not a model");
    assert.match(message(files[0]!), /goes with .*-00002-of-00002\.gguf, which is not a GGUF file/);
    splitGguf(source, directory, "fewer", [2, 2, 1]);
    copyFileSync(
      splitGguf(source, directory, "other", [2, 0, 3])[1]!,
      path.join(directory, "fewer-00002-of-00003.gguf"),
    );
    assert.match(
      message(path.join(directory, "fewer-00001-of-00003.gguf")),
      /has 3 tensors .* should have 5/,
    );
  });

  it("is none when a file only has such a name", () => {
    const file = path.join(directory, "alone-00001-of-00002.gguf");
    copyFileSync(source, file);
    assert.ok(checkModel(file, () => true).ok);
    assert.equal(readModel(file).parts.length, 1);
  });
});
