import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { MACHINE_SETTINGS } from "./machineSettings";
import { defaultSettings, METRICS, readSettings, SERVER_FIM } from "./settings";

interface Property {
  readonly default: unknown;
  readonly enum?: readonly string[];
  readonly scope?: string;
  readonly ignoreSync?: boolean;
  readonly description?: string;
  readonly markdownDescription?: string;
}
const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  contributes: { configuration: { properties: Record<string, Property> } };
};
const properties = manifest.contributes.configuration.properties;

describe("settings", () => {
  it("are those that package.json declares, with the same defaults", () => {
    const declared = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name.replace("lacuna.", ""), property.default]),
    );
    assert.deepEqual(declared, { ...defaultSettings() });
  });
  it("are all described", () => {
    for (const [name, { description, markdownDescription }] of Object.entries(properties)) {
      assert.ok((description ?? markdownDescription ?? "").length > 20, name);
    }
  });
  it("count in remote windows, and those of a machine stay on it", () => {
    for (const [name, { scope = "window", ignoreSync = false }] of Object.entries(properties)) {
      // A remote window drops the user's values of machine scopes, also for extensions that run on the user's machine.
      assert.equal(scope, "window", name);
      assert.equal(ignoreSync, MACHINE_SETTINGS.has(name.replace("lacuna.", "")), name);
    }
  });
  it("offer the families that exist", () =>
    assert.deepEqual(properties["lacuna.serverFim"]?.enum, SERVER_FIM));
  it("offer the metrics that exist", () => assert.deepEqual(properties["lacuna.metric"]?.enum, [...METRICS]));
  it("take what is valid", () => {
    const raw: Record<string, unknown> = {
      sparsity: 0.4,
      gpu: "off",
      debounce: 250,
      model: " /m.gguf ",
      languages: { python: false },
    };
    const { settings, problems } = readSettings((name) => raw[name]);
    assert.deepEqual(problems, []);
    assert.equal(settings.sparsity, 0.4);
    assert.equal(settings.gpu, false);
    assert.equal(settings.debounce, 250);
    assert.equal(settings.model, "/m.gguf");
    assert.deepEqual(settings.languages, { python: false });
  });
  it("take a share of one for dense", () => assert.equal(readSettings(() => 1).settings.sparsity, "dense"));

  const wrong: Record<string, readonly unknown[]> = {
    enabled: ["yes", 1],
    languages: [[], "all", { python: "no" }, 3],
    exclude: ["*.js", [1]],
    maxFileSizeKB: [0, -1, 1.5, "1"],
    debounce: ["fast", -1, 1.5, 6_000],
    sparsity: ["sparse", 0, 0.01, 1.5, -1, true, Number.NaN],
    maxQualityLoss: [-0.1, 1.1, "5 %"],
    metric: ["best", 3],
    model: [3, ["a"]],
    contextSize: [10, "big"],
    server: [3, "ftp://host", "http://me:secret@host", "http://"],
    serverKind: ["vllm", 1],
    serverFim: ["bert"],
    serverFallback: ["never", false],
    serverCertificates: ["a.pem", [1]],
    threads: [-1, 1e9],
    gpu: ["yes", true, false],
    idleUnloadMinutes: [-1, "never"],
    logLevel: ["verbose"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    it(`fall back when lacuna.${name} is wrong, and say so`, () => {
      for (const value of values) {
        const { settings, problems } = readSettings((asked) => (asked === name ? value : undefined));
        assert.deepEqual(settings, defaultSettings());
        assert.equal(problems.length, 1, String(value));
        assert.doesNotMatch(problems[0]!, /secret/);
        assert.match(problems[0]!, new RegExp(`^Setting lacuna\\.${name} must be .+ is used instead\\.$`));
      }
    });
  }
});
