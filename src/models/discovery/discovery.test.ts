import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { writeTestGguf } from "../testing";
import type { GgufEntry } from "../ggufWriter";
import { findModels } from "./discovery";

describe("models that are there already", () => {
  let home: string;
  const place = (name: string): string => {
    const file = path.join(home, name);
    mkdirSync(path.dirname(file), { recursive: true });
    return file;
  };
  const model = async (
    name: string,
    metadata: readonly GgufEntry[] = [],
    tensors = "all",
  ): Promise<string> => {
    const file = place(name);
    const entries: GgufEntry[] = [["general.architecture", "string", "llama"], ...metadata];
    await writeTestGguf(file, entries, [
      [`${tensors} small`, [32], "F32"],
      [`${tensors} large`, [256, 16], "Q6_K"],
    ]);
    return file;
  };
  const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
  beforeEach(() => {
    home = mkdtempSync(path.join(os.tmpdir(), "lacuna-home-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it("are found where programs keep them, with quantisation, size and whether they fill in the middle", async () => {
    const own = await model("lacuna/models/lacuna-54m.Q6_K.gguf", [
      ["tokenizer.ggml.fim_mid_token_id", "u32", 3],
    ]);
    const hub = await model(".cache/huggingface/hub/models--Qwen--x/snapshots/1/qwen-q4_k_m.gguf", [
      ["general.name", "string", "Qwen2.5 Coder 1.5B"],
    ]);
    const studio = await model("moved/models/user/chat/chat.gguf", [["general.name", "string", "Chat"]]);
    writeFileSync(place(".lmstudio-home-pointer"), path.join(home, "moved"));
    const node = await model(".node-llama-cpp/models/m.gguf");
    const cpp = await model(".cache/llama.cpp/broken.gguf");
    writeFileSync(cpp, "not a model");
    const found = await findModels({ home, env: {}, extra: [path.join(home, "lacuna/models")] });
    const bytes = (file: string): number => statSync(file).size;
    assert.deepEqual(found, [
      {
        path: studio,
        bytes: bytes(studio),
        source: "LM Studio",
        name: "chat",
        quantization: "Q6_K",
        fim: undefined,
        tuning: "chat",
      },
      {
        path: own,
        bytes: bytes(own),
        source: "Lacuna",
        name: "lacuna-54m.Q6_K",
        quantization: "Q6_K",
        fim: true,
        tuning: undefined,
      },
      {
        path: node,
        bytes: bytes(node),
        source: "node-llama-cpp",
        name: "m",
        quantization: "Q6_K",
        fim: undefined,
        tuning: undefined,
      },
      {
        path: hub,
        bytes: bytes(hub),
        source: "Hugging Face",
        name: "qwen-q4_k_m",
        quantization: "Q4_K_M",
        fim: true,
        tuning: "completion",
      },
    ]);
  });

  it("are offered once, whatever links to them", async function () {
    const blob = await model(".cache/huggingface/hub/models--a--b/blobs/abc");
    for (const revision of ["1", "2"]) {
      symlinkSync(blob, place(`.cache/huggingface/hub/models--a--b/snapshots/${revision}/one.gguf`));
    }
    symlinkSync("gone", place(".cache/huggingface/hub/models--a--b/snapshots/2/gone.gguf"));
    if (!existsSync(place(".cache/huggingface/hub/models--a--b/snapshots/1/one.gguf"))) {
      console.log("      Not tested: links lead nowhere here (wine).");
      this.skip();
    }
    const found = await findModels({ home, env: {} });
    assert.deepEqual(
      found.map(({ name, quantization }) => [name, quantization]),
      [["one", "Q6_K"]],
    );
  });

  it("are offered whole, and only if they write text", async () => {
    const half = await model(".lmstudio/models/u/m/half.gguf");
    truncateSync(half, statSync(half).size - 10);
    await model("models/.hidden.gguf");
    await model("models/Some-Model.mmproj-Q8_0.gguf");
    await model("models/projector.gguf", [["general.architecture", "string", "clip"]]);
    await model("models/lacks-00001-of-00002.gguf", [["split.count", "u32", 2]]);
    // llama.cpp does not find the parts of a model in capitals.
    for (const [no, name] of [
      [0, "models/BIG-Q8_0-00001-of-00002.gguf"],
      [1, "models/BIG-Q8_0-00002-of-00002.gguf"],
      [0, "models/CAPITAL-Q8_0-00001-of-00002.GGUF"],
      [1, "models/CAPITAL-Q8_0-00002-of-00002.GGUF"],
    ] as const) {
      const split: GgufEntry[] = [
        ["split.no", "u32", no],
        ["split.count", "u32", 2],
      ];
      await model(name, split, no === 0 ? "first" : "second");
    }
    const found = await findModels({ home, env: {} });
    assert.deepEqual(
      found.map(({ name, quantization }) => [name, quantization]),
      [["BIG-Q8_0", "Q8_0"]],
    );
  });

  it("are looked for where a setting has moved them", async () => {
    await model("cache/llama.cpp/a.gguf");
    await model("cache/huggingface/hub/x/b.gguf");
    await model("elsewhere/u/c.gguf");
    const settings = { downloadsFolder: path.join(home, "elsewhere") };
    writeFileSync(place(".lmstudio/settings.json"), JSON.stringify(settings));
    const found = await findModels({ home, env: { XDG_CACHE_HOME: path.join(home, "cache") } });
    assert.deepEqual(
      found.map(({ name, source }) => [name, source]),
      [
        ["a", "llama.cpp"],
        ["b", "Hugging Face"],
        ["c", "LM Studio"],
      ],
    );
  });

  it("are read from Ollama's manifests and used as its blobs", async () => {
    const store = path.join(home, "store");
    const blob = await model(`store/blobs/sha256-${"a".repeat(64)}`);
    const chat = await model(`store/blobs/sha256-${"d".repeat(64)}`);
    const layer = (kind: string, of: string): unknown => ({
      mediaType: `application/vnd.ollama.image.${kind}`,
      digest: digest(of),
    });
    const manifest = (name: string, layers: readonly unknown[]): void =>
      writeFileSync(place(`store/manifests/${name}`), JSON.stringify({ schemaVersion: 2, layers }));
    writeFileSync(place(`store/blobs/sha256-${"b".repeat(64)}`), "{{ .Prefix }}<|fim_suffix|>{{ .Suffix }}");
    manifest("registry.ollama.ai/library/qwen2.5-coder/1.5b-base-q4_K_M", [
      layer("model", "a"),
      layer("template", "b"),
    ]);
    manifest("hf.co/user/chat-GGUF/Q6_K", [layer("model", "d")]);
    manifest("registry.ollama.ai/library/gone/latest", [layer("model", "c")]);
    manifest("registry.ollama.ai/library/cloud/latest", []);
    writeFileSync(place("store/manifests/registry.ollama.ai/library/odd/latest"), "{");
    const found = await findModels({ home, env: { OLLAMA_MODELS: store } });
    assert.deepEqual(
      found.map(({ name, source, path: file, fim, quantization }) => ({
        name,
        source,
        file,
        fim,
        quantization,
      })),
      [
        {
          name: "hf.co/user/chat-GGUF:Q6_K",
          source: "Ollama",
          file: chat,
          fim: undefined,
          quantization: "Q6_K",
        },
        {
          name: "qwen2.5-coder:1.5b-base-q4_K_M",
          source: "Ollama",
          file: blob,
          fim: true,
          quantization: "Q4_K_M",
        },
      ],
    );
  });
});
