import assert from "node:assert/strict";
import type { CompleteResult, MemoryStats, ModelInfo, SparsifyResult } from "../engine/protocol";
import type { Served } from "../server/backend";
import type { ServiceState } from "./server/serverService";
import {
  age,
  bytes,
  statusView,
  steadyMemory,
  tokensPerSecond,
  type Status,
  type StatusView,
} from "./statusText";

const completion: CompleteResult = {
  text: "x",
  stopReason: "eos",
  activeRatio: 0.4,
  prefill: { tokens: 120, ms: 80.4, again: 0 },
  decode: { tokens: 12, ms: 100, tokensPerSecond: 120 },
  times: { arrived: 0, turn: 1, prompt: 2, firstToken: 82.4 },
};
const mask: SparsifyResult = {
  activeRatio: 0.4,
  rows: [410],
  source: "attributed",
  guard: [
    { activeRatio: 0.4, lossIncrease: 0.021, top1Agreement: 0.93 },
    { activeRatio: 0.7, lossIncrease: 0.001, top1Agreement: 0.99 },
  ],
  attribution: { tokens: 256, ms: 1_000 },
  packing: { ms: 20 },
  memory: { residentBytes: 1, mappedBytes: 1, packedBytes: 1, cacheBytes: 1, heapBytes: 1 },
  heatmap: { bins: 1, values: new Float32Array([0.4]) },
};
const status: Status = {
  engine: { kind: "sparse", activeRatio: 0.4, path: "/w/a.ts" },
  tokensPerSecond: 123.4,
  memory: {
    residentBytes: 112 * 2 ** 20,
    mappedBytes: 1.5 * 2 ** 30,
    packedBytes: 2 ** 20,
    cacheBytes: 3 * 2 ** 20,
    heapBytes: 12 * 2 ** 20,
    weightBytes: 80 * 2 ** 20,
  },
  last: completion,
  mask: { result: mask, at: 0 },
  maxQualityLoss: 0.05,
  sparsity: "auto",
  now: 120_000,
};

describe("statusView with a server", () => {
  const served: Served = {
    kind: "llama-server",
    product: "llama-server",
    model: "coder-7b",
    contextSize: 2048,
    fim: "qwen",
    hasEdits: false,
  };
  const with_ = (state: ServiceState, isServed: boolean): StatusView =>
    statusView({ ...status, server: { address: "https://ai.example.com/llm", state, isServed } });
  const away = { kind: "away", why: "No server answers at there.", what: "gone" } as const;

  it("shows its speed and where it is, and nothing of the model on this machine", () => {
    const { text, tooltip, command } = with_({ kind: "up", served }, true);
    assert.equal(text, "$(server) 120 tok/s · ai.example.com");
    assert.match(tooltip, /coder-7b on llama-server, context 2048, fills in \(qwen\)/);
    assert.match(tooltip, /a server runs dense/);
    assert.doesNotMatch(tooltip, /\| (Mask|Memory|Guard) \|/);
    assert.equal(command, "lacuna.showDashboard");
  });
  it("signs what the model on this machine does instead, with the reason and a way out", () => {
    const { text, tooltip } = with_(away, false);
    assert.equal(text, "$(debug-disconnect) 120 tok/s · 112 MB · 40 % · server away");
    assert.match(tooltip, /No server answers at there\. The model on this machine completes meanwhile/);
    assert.match(tooltip, /\[Try the server again\]\(command:lacuna\.restartEngine\)/);
  });
  it("says why nothing comes where nobody stands in", () => {
    assert.equal(with_(away, true).text, "$(debug-disconnect) Lacuna: server away");
    assert.equal(with_(away, true).severity, "warning");
    assert.equal(with_({ ...away, what: "loading" }, true).text, "$(loading~spin) Lacuna: server is loading");
    assert.equal(with_({ ...away, what: "busy" }, true).text, "$(watch) Lacuna: server is busy");
    assert.equal(with_({ kind: "unasked" }, true).text, "$(loading~spin) Lacuna: connecting");
    const refused = with_({ kind: "refused", why: "It does not accept the key." }, true);
    assert.equal(refused.text, "$(error) Lacuna: server refuses");
    assert.equal(refused.command, "lacuna.restartEngine");
    assert.match(refused.tooltip, /command:lacuna\.setServerKey/);
    const open = with_({ kind: "unconfirmed", isRefused: false }, true);
    assert.match(open.tooltip, /nobody has agreed that code goes to https:\/\/ai\.example\.com/);
  });
});

describe("statusView", () => {
  it("goes on showing the memory that it showed while there is about as much, in all and of each part", () => {
    const shown = status.memory!;
    const now = (more: Partial<MemoryStats>): MemoryStats => ({ ...shown, ...more });
    const { residentBytes, heapBytes } = shown;
    assert.equal(steadyMemory(undefined, shown), shown);
    for (const less of [now({ residentBytes: 0.92 * residentBytes }), now({ heapBytes: 1.3 * heapBytes })]) {
      assert.equal(steadyMemory(shown, less), shown);
    }
    for (const other of [now({ residentBytes: 1.11 * residentBytes }), now({ heapBytes: 1.6 * heapBytes })]) {
      assert.equal(steadyMemory(shown, other), other);
    }
  });

  it("accounts for all of the memory in the tooltip", () => {
    const parts =
      "80 MB weights and program, 1 MB packed, 3 MB for prompts, 12 MB JavaScript, 16 MB vocabulary and buffers";
    assert.ok(statusView(status).tooltip.includes(`112 MB resident: ${parts};`), statusView(status).tooltip);
    const { weightBytes, ...untold } = status.memory!;
    const isUntold = statusView({ ...status, memory: untold }).tooltip.includes("the rest weights");
    assert.ok(weightBytes! > 0 && isUntold);
  });

  it("shows speed, memory and share", () => {
    assert.equal(statusView(status).text, "$(layers-dot) 120 tok/s · 112 MB · 40 %");
    assert.equal(statusView(status).accessibleLabel, "Lacuna: 120 tokens per second, 112 MB, 40 %");
  });
  it("shows the share that tokens have read, where it was counted with this mask", () => {
    const share = (last: Partial<CompleteResult>): string =>
      statusView({ ...status, last: { ...completion, ...last } })
        .text.split(" · ")
        .at(-1)!;
    assert.equal(share({ readRatio: 0.37 }), "37 %");
    assert.equal(share({ readRatio: 0.24, activeRatio: 0.25 }), "40 %", "by another mask");
    assert.equal(share({}), "40 %");
  });
  it("tells mask, guard, prefill and decode in the tooltip", () => {
    const { tooltip } = statusView(status);
    assert.match(tooltip, /40 %, made from this file, 2 minutes ago/);
    assert.match(tooltip, /loss \+2\.1 %, same first choice 93 %, on this file/);
    assert.match(tooltip, /120 tokens in 80 ms/);
    assert.match(tooltip, /\[Dashboard\]\(command:lacuna\.showDashboard\)/);
  });
  it("says how many threads the model computes on, and why", () => {
    const model = { name: "m", architecture: "llama", parameters: 1e9, gpu: "cpu", threads: 2 } as ModelInfo;
    const { tooltip } = statusView({ ...status, model, whyThreads: "one for each core" });
    assert.match(tooltip, /\| Model \| m, llama, 1000 M parameters, CPU, 2 threads \(one for each core\) \|/);
  });
  it("says that a model sees only what is before the cursor, whatever its mask is", () => {
    const model = {
      name: "m",
      architecture: "llama",
      parameters: 1e9,
      gpu: "cpu",
      hasFim: false,
    } as ModelInfo;
    for (const engine of [
      status.engine,
      { kind: "dense" },
      { kind: "dense", why: "too small to gain" },
    ] as const) {
      const plain = statusView({ ...status, engine, model });
      assert.match(plain.text, / · prefix only$/);
      assert.match(
        plain.tooltip,
        /has no fill-in-the-middle tokens: it sees only what is before the cursor\./,
      );
      const filling = statusView({ ...status, engine, model: { ...model, hasFim: true } });
      assert.doesNotMatch(filling.text + filling.tooltip, /prefix only|before the cursor/);
    }
  });
  it("says which settings are not used", () => {
    const { tooltip } = statusView({
      ...status,
      problems: ["Setting lacuna.model of ssh (3) is ignored: a|b."],
    });
    assert.match(tooltip, /\$\(warning\) Setting lacuna\.model of ssh \(3\) is ignored: a\\\|b\./);
  });
  it("says why nothing appears", () => {
    const lasting = statusView({
      ...status,
      ineligible: { reason: "secret", text: "the file looks like a secret" },
    });
    assert.equal(lasting.text, "$(circle-slash) Lacuna: the file looks like a secret");
    const passing = statusView({ ...status, ineligible: { reason: "selection", text: "text is selected" } });
    assert.equal(passing.text, statusView(status).text);
    assert.match(passing.tooltip, /No suggestions: text is selected\./);
    assert.match(statusView({ ...status, place: "the cursor is inside a word" }).tooltip, /inside a word/);
  });
  it("says what one waits for, and that it did not come", () => {
    const reading = statusView({ ...status, waiting: { what: "reading", share: 0.45 } });
    assert.match(reading.text, /^\$\(sync~spin\) .* · reading 45 %$/);
    assert.match(reading.tooltip, /No suggestions: the prompt is being read\./);
    const late = statusView({ ...status, waiting: { what: "late", share: 0 } });
    assert.match(late.text, /no answer in time$/);
    assert.match(late.tooltip, /No suggestions: the model did not answer in time\./);
    const making = statusView({ ...status, engine: { kind: "attributing", fraction: 0.3, path: "/w/a.ts" } });
    assert.match(making.text, / · mask 30 %$/);
    const both = { engine: { kind: "attributing", fraction: 0.3, path: "/w/a.ts" } } as const;
    assert.match(
      statusView({ ...status, ...both, waiting: { what: "reading", share: 0.5 } }).text,
      / · reading 50 %$/,
    );
  });
  it("marks a share that costs more than is tolerated, and tells nothing of one that was not measured", () => {
    const of = (lossIncrease: number, activeRatio = 0.4): StatusView =>
      statusView({
        ...status,
        mask: { result: { ...mask, guard: [{ activeRatio, lossIncrease, top1Agreement: 0.83 }] }, at: 0 },
      });
    assert.match(of(0.24).text, /40 % · loss \+24\.0 %$/);
    assert.match(of(0.24).tooltip, /loss \+24\.0 %.*more than your 5 %/);
    assert.doesNotMatch(of(0.02).text, /loss/);
    assert.match(
      of(-0.026).tooltip,
      /no loss \(−2\.6 %: within what so short a text can tell\), same first choice 83 %/,
    );
    assert.match(of(0.24, 0.5).tooltip, /not measured for this share/);
    assert.doesNotMatch(of(0.24, 0.5).text, /loss/);
  });
  it("warns when slow and says what would help", () => {
    const slow = statusView({ ...status, tokensPerSecond: 3.2 });
    assert.equal(slow.severity, "warning");
    assert.match(slow.text, /3\.2 tok\/s .* slow$/);
    assert.match(slow.tooltip, /What would help: .*lacuna\.setSparsity.*lacuna\.selectModel/);
  });
  it("shows a failure with what to do", () => {
    const view = statusView({
      ...status,
      engine: { kind: "failed", why: "The model is gone. Choose another." },
    });
    assert.equal(view.severity, "error");
    assert.match(view.tooltip, /The model is gone\. Choose another\..*\[Restart engine\]/s);
  });
  it("offers with a click and in the tooltip what ends the state that it tells of", () => {
    const of = (more: Partial<Status>): { readonly command: string; readonly tooltip: string } =>
      statusView({ ...status, ...more });
    const snoozed = { reason: "snoozed", text: "snoozed" } as const;
    assert.equal(of({}).command, "lacuna.setSparsity");
    assert.equal(of({ ineligible: snoozed }).command, "lacuna.endSnooze");
    assert.equal(of({ ineligible: { reason: "disabled", text: "off" } }).command, "lacuna.toggle");
    const language = of({ ineligible: { reason: "language", text: "switched off for markdown" } });
    assert.match(language.tooltip, /\(command:lacuna\.toggleLanguage\)/);
    const failed = of({ engine: { kind: "failed", why: "gone" }, ineligible: snoozed });
    assert.equal(failed.command, "lacuna.restartEngine");
    assert.match(failed.tooltip, /\(command:lacuna\.restartEngine\)/);
  });
  it("has something to say in every state", () => {
    const states: Status["engine"][] = [
      { kind: "starting" },
      { kind: "idle", why: "not used for 10 minutes" },
      { kind: "loading", fraction: 0.5 },
      { kind: "dense" },
      { kind: "attributing", fraction: 0.2, path: "/w/a.ts" },
    ];
    for (const engine of states) {
      const view = statusView({ engine, maxQualityLoss: 0.05, sparsity: "auto", now: 0 });
      assert.ok(view.text.length > 10 && view.tooltip.length > 20, engine.kind);
      assert.doesNotMatch(view.text + view.tooltip, /undefined|NaN/);
    }
  });
  it("takes names for text, not for Markdown", () => {
    const { tooltip } = statusView({
      ...status,
      engine: { kind: "failed", why: "bad [x](command:evil) | $(bug)" },
    });
    assert.doesNotMatch(tooltip, /\[x\]\(command:evil\)/);
  });
});

describe("figures", () => {
  it("are rounded so that they do not flicker", () => {
    assert.deepEqual([3.14, 47.6, 123, 1_234].map(tokensPerSecond), ["3.1", "48", "120", "1230"]);
    assert.equal(bytes(1.5 * 2 ** 30), "1.5 GB");
    assert.deepEqual([3_000, 61_000, 7_200_000].map(age), ["just now", "1 minute ago", "2 hours ago"]);
  });
});
