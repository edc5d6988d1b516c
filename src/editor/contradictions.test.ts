import assert from "node:assert/strict";
import { contradictions } from "./contradictions";
import { defaultSettings, type Settings } from "./settings";

const found = (settings: Partial<Settings>): string[] =>
  contradictions({ ...defaultSettings(), ...settings }, defaultSettings());

describe("contradictions", () => {
  it("are none in settings as they come", () => assert.deepEqual(found({}), []));

  it("are settings of a server where there is none", () => {
    assert.deepEqual(found({ serverModel: "qwen" }), [
      "Setting lacuna.serverModel does nothing as long as lacuna.server is empty.",
    ]);
    assert.deepEqual(
      found({ serverKind: "ollama", serverCertificates: ["a.pem"], serverFallback: "nothing" }),
      [
        "Settings lacuna.serverKind, lacuna.serverCertificates, lacuna.serverFallback do nothing as long as lacuna.server is empty.",
      ],
    );
    const server = "http://127.0.0.1:1";
    assert.deepEqual(found({ server, serverModel: "qwen", serverFallback: "nothing" }), []);
  });

  it("are sizes that do not fit into the context", () => {
    assert.deepEqual(found({ window: 1_024, contextSize: 512 }), [
      "Setting lacuna.window (1024 tokens) does not fit into lacuna.contextSize (512): fewer are looked at.",
    ]);
    assert.deepEqual(found({ maxTokens: 257, contextSize: 512 }), [
      "Setting lacuna.maxTokens (257) is more than half of lacuna.contextSize (512): a completion ends after 256 tokens.",
    ]);
    assert.deepEqual(found({ maxTokens: 256, window: 511, contextSize: 512 }), []);
    assert.deepEqual(found({ server: "http://127.0.0.1:1", maxTokens: 512, contextSize: 256 }), []);
  });
});
