import assert from "node:assert/strict";
import { Linter } from "eslint";
import tseslint from "typescript-eslint";
import { layerConfigs } from "../../eslint.layers.mjs";

const parser = { files: ["**/*.ts"], languageOptions: { parser: tseslint.parser } };

/** Messages of the layer rules for one file. */
const violations = (filename, code) =>
  new Linter().verify(code, [parser, ...layerConfigs], { filename }).map(({ ruleId, fatal, message }) => {
    assert.ok(fatal !== true, message);
    return ruleId;
  });

const importing = (specifier) => `import { a } from "${specifier}";\na();\n`;

const forbidden = [
  ["src/completion/cache.ts", "../sparsity/mask"],
  ["src/completion/filters/index.ts", "../../engine/protocol"],
  ["src/completion/cache.ts", "vscode"],
  ["src/completion/cache.ts", "node:fs"],
  ["src/completion/cache.ts", "fs/promises"],
  ["src/completion/cache.test.ts", "../sparsity/mask"],
  ["src/sparsity/mask.ts", "../completion/cache"],
  ["src/sparsity/mask.ts", "node-llama-cpp"],
  ["src/models/catalogue.ts", "../engine/client"],
  ["src/files/makeFolder.ts", "../models/catalogue"],
  ["src/completion/cache.ts", "../files/makeFolder"],
  ["src/completion/ending.ts", "../syntax/parser"],
  ["src/engine/host.ts", "../syntax/parser"],
  ["src/syntax/parser.ts", "../editor/provider"],
  ["src/models/catalogue.ts", "vscode"],
  ["src/engine/protocol.ts", "../models/catalogue"],
  ["src/engine/host.ts", "../editor/provider"],
  ["src/engine/client.ts", "../sparsity/mask"],
  ["src/engine/client.ts", "node-llama-cpp"],
  ["src/cli/main.ts", "../editor/provider"],
  ["src/cli/main.ts", "node-llama-cpp"],
  ["src/cli/main.ts", "../bench/speed/worker"],
  ["src/bench/main.ts", "../cli/main"],
  ["src/commandLine/install.ts", "../bench/main"],
  ["src/engine/host.ts", "../bench/main"],
  ["src/editor/provider.ts", "../bench/main"],
  ["src/editor/provider.ts", "../engine/host"],
  ["src/editor/provider.ts", "../engine/native"],
  ["src/editor/provider.ts", "../engine/clientele"],
  ["src/editor/provider.ts", "../cli/main"],
  ["src/editor/provider.ts", "node-llama-cpp"],
  ["src/server/client.ts", "../engine/session"],
  ["src/server/client.ts", "../models/download/http"],
  ["src/completion/prompt.ts", "../server/client"],
  ["src/engine/engine.ts", "../server/client"],
  ["src/extension.ts", "./engine/host"],
  ["src/extension.ts", "./cli/main"],
  ["src/editor/provider.ts", "./status.js"],
];

const allowed = [
  ["src/completion/filters/index.ts", "../cursor"],
  ["src/completion/cache.test.ts", "node:fs"],
  ["src/sparsity/maskFormat.ts", "node:zlib"],
  ["src/models/discovery.ts", "node:fs"],
  ["src/engine/host.ts", "../sparsity/mask"],
  ["src/engine/session.ts", "../models/gguf"],
  ["src/engine/native.ts", "node-llama-cpp"],
  ["src/engine/client.ts", "./protocol"],
  ["src/engine/client.ts", "../files/makeFolder"],
  ["src/models/download/folder.ts", "../../files/makeFolder"],
  ["src/cli/main.ts", "../engine/client"],
  ["src/cli/main.ts", "../models/catalogue"],
  ["src/cli/main.ts", "../bench/main"],
  ["src/bench/speed/command.ts", "../../commandLine/errors"],
  ["src/editor/provider.ts", "../engine/client"],
  ["src/editor/provider.ts", "../server/client"],
  ["src/server/client.ts", "../engine/client"],
  ["src/server/connection.ts", "node:https"],
  ["src/editor/provider.ts", "../engine/client/restart"],
  ["src/editor/dashboard/view.ts", "../../engine/protocol"],
  ["src/editor/provider.ts", "vscode"],
  ["src/extension.ts", "./editor/provider"],
];

describe("layers", () => {
  for (const [file, specifier] of forbidden)
    it(`${file} must not import ${specifier}`, () => {
      assert.deepEqual(violations(file, importing(specifier)), ["no-restricted-imports"]);
    });
  for (const [file, specifier] of allowed)
    it(`${file} may import ${specifier}`, () => {
      assert.deepEqual(violations(file, importing(specifier)), []);
    });
  it("types count as imports", () => {
    const code = 'import type { A } from "vscode";\nexport type B = A;\n';
    assert.deepEqual(violations("src/completion/cache.ts", code), ["no-restricted-imports"]);
  });
  it("folders are made by what ends everywhere, but for tests", () => {
    const code = "await mkdir(folder, { recursive: true });\nmkdirSync(folder, { recursive: true });\n";
    assert.deepEqual(violations("src/engine/headCopy.ts", code), [
      "no-restricted-syntax",
      "no-restricted-syntax",
    ]);
    assert.deepEqual(violations("src/engine/headCopy.test.ts", code), []);
  });
  it("a dynamic import counts as one", () => {
    const code = 'await import("node-llama-cpp");\nawait import("../engine/host");\n';
    assert.deepEqual(violations("src/editor/provider.ts", code), [
      "no-restricted-syntax",
      "no-restricted-syntax",
    ]);
  });
});
