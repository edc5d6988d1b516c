import type {
  CompleteResult,
  EngineState,
  GuardPoint,
  MemoryStats,
  ModelInfo,
  SparsifyResult,
} from "../engine/protocol";
import type { Ineligible } from "../completion/eligibility";
import type { CommandId } from "./commandIds";
import {
  hostOf,
  LOCAL_ONLY,
  servedRow,
  serverHeadline,
  serverSentence,
  serverSign,
  type ServerStatus,
} from "./server/serverStatus";

/** Everything the status bar speaks of. */
export interface Status {
  readonly engine: EngineState;
  readonly model?: ModelInfo | undefined;
  /** Why that computes on so many threads. */
  readonly whyThreads?: string | undefined;
  /** Absent: no server is set. */
  readonly server?: ServerStatus | undefined;
  readonly ineligible?: Ineligible | undefined;
  /** Why the place of the cursor gets no completion. */
  readonly place?: string | undefined;
  readonly last?: CompleteResult | undefined;
  /** Moving average, tokens per second. */
  readonly tokensPerSecond?: number | undefined;
  /** Median of the last few completions, keystroke to text. */
  readonly latencyMs?: number | undefined;
  readonly memory?: MemoryStats | undefined;
  /** Of the active document. */
  readonly mask?: { readonly result: SparsifyResult; readonly at: number } | undefined;
  /** Values of settings that are not used, one sentence each. */
  readonly problems?: readonly string[];
  /** Why there is no text yet, or at all, where somebody waits for it. */
  readonly waiting?: { readonly what: "reading" | "late"; readonly share: number } | undefined;
  /** Tolerated rise of the loss. */
  readonly maxQualityLoss: number;
  readonly sparsity: string;
  readonly now: number;
}

export interface StatusView {
  readonly text: string;
  /** Markdown with command links. */
  readonly tooltip: string;
  readonly accessibleLabel: string;
  readonly severity: "normal" | "warning" | "error";
  /** What a click does: what helps just now. */
  readonly command: CommandId;
}

/** Slower than this is felt. */
const SLOW_LATENCY_MS = 1_500;
const SLOW_TOKENS_PER_SECOND = 8;
/** Memory that has changed by less than this share of it is shown as it was; of a part, that is this share of the whole. */
const STEADY_SHARE = 0.1;
const STEADY_PART = 0.05;

/** Shares that differ by less are one. */
const SAME_SHARE = 0.01;

/** Reasons that last; the others come and go with the cursor and are told in the tooltip only. */
const LASTING = new Set([
  "disabled",
  "snoozed",
  "untrusted",
  "battery",
  "language",
  "secret",
  "excluded",
  "size",
  "read-only",
  "editor",
]);

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Two significant digits above ten: a figure that does not flicker. */
export function tokensPerSecond(value: number): string {
  const step = value >= 100 ? 10 : 1;
  return value < 10 ? value.toFixed(1) : String(Math.round(value / step) * step);
}

export function bytes(value: number): string {
  const mib = value / 2 ** 20;
  return mib < 1000 ? `${Math.round(mib)} MB` : `${(mib / 1024).toFixed(1)} GB`;
}

/**
 * What to go on showing: what was shown, as long as there is about as much, in all and of each part. A figure that moves with every key says nothing;
 * figures of one moment add up.
 */
export function steadyMemory(shown: MemoryStats | undefined, now: MemoryStats): MemoryStats {
  const isSteady =
    shown !== undefined &&
    (["residentBytes", "packedBytes", "cacheBytes", "heapBytes", "weightBytes"] as const).every((part) => {
      const limit = part === "residentBytes" ? STEADY_SHARE : STEADY_PART;
      return Math.abs((now[part] ?? 0) - (shown[part] ?? 0)) < limit * shown.residentBytes;
    });
  return isSteady ? shown : now;
}

export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) {
    return "just now";
  }
  const [count, unit] =
    seconds < 3_600 ? [Math.round(seconds / 60), "minute"] : [Math.round(seconds / 3_600), "hour"];
  return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
}

export function statusView(status: Status): StatusView {
  const slow = isSlow(status);
  const { icon, words, severity } = headline(status, slow);
  return {
    text: `$(${icon}) ${words}`,
    accessibleLabel: `Lacuna: ${words.replace("tok/s", "tokens per second").replaceAll(" · ", ", ")}`,
    tooltip: tooltip(status, slow),
    severity,
    command: click(status),
  };
}

function isSlow({ tokensPerSecond: speed, latencyMs }: Status): boolean {
  return (
    (speed !== undefined && speed < SLOW_TOKENS_PER_SECOND) ||
    (latencyMs !== undefined && latencyMs > SLOW_LATENCY_MS)
  );
}

interface Headline {
  readonly icon: string;
  readonly words: string;
  readonly severity: StatusView["severity"];
}

function headline(status: Status, slow: boolean): Headline {
  const { engine, ineligible, server } = status;
  if (engine.kind === "failed" && server?.isServed !== true) {
    return { icon: "error", words: "Lacuna: engine failed", severity: "error" };
  }
  if (ineligible !== undefined && LASTING.has(ineligible.reason)) {
    return {
      icon: ineligible.reason === "snoozed" ? "bell-slash" : "circle-slash",
      words: `Lacuna: ${ineligible.text}`,
      severity: "normal",
    };
  }
  if (server?.isServed === true) {
    return (
      serverHeadline(server) ??
      waitingFor(status) ??
      (slow
        ? { icon: "warning", words: `${figures(status)} · slow`, severity: "warning" }
        : { icon: "server", words: figures(status), severity: "normal" })
    );
  }
  const own = engineHeadline(status, slow);
  const sign = server === undefined ? undefined : serverSign(server);
  return sign === undefined ? own : { ...own, icon: "debug-disconnect", words: `${own.words} · ${sign}` };
}

function engineHeadline(status: Status, slow: boolean): Headline {
  const { engine } = status;
  switch (engine.kind) {
    case "starting":
      return { icon: "loading~spin", words: "Lacuna: starting", severity: "normal" };
    case "loading":
      return {
        icon: "loading~spin",
        words: `Lacuna: loading ${percent(engine.fraction)}`,
        severity: "normal",
      };
    case "idle":
      return { icon: "debug-pause", words: "Lacuna: idle", severity: "normal" };
    case "attributing":
      return (
        waitingFor(status) ?? {
          icon: "sync~spin",
          words: `${figures(status)} · mask ${percent(engine.fraction)}`,
          severity: "normal",
        }
      );
    case "failed":
      return { icon: "error", words: "Lacuna: engine failed", severity: "error" };
    case "dense":
    case "sparse":
      return (
        waitingFor(status) ??
        (slow
          ? { icon: "warning", words: `${figures(status)} · slow`, severity: "warning" }
          : {
              icon: engine.kind === "sparse" ? "layers-dot" : "layers",
              words: figures(status),
              severity: "normal",
            })
      );
  }
}

/** What somebody waits for at this moment goes before what happens besides. */
function waitingFor(status: Status): Headline | undefined {
  switch (status.waiting?.what) {
    case "reading":
      return {
        icon: "sync~spin",
        words: `${figures(status)} · reading ${percent(status.waiting.share)}`,
        severity: "normal",
      };
    case "late":
      return { icon: "warning", words: `${figures(status)} · no answer in time`, severity: "warning" };
    case undefined:
      return undefined;
  }
}

const PREFIX_ONLY =
  "$(info) This model has no fill-in-the-middle tokens: it sees only what is before the cursor.";

/** Told as long as it is so. */
const seesPrefixOnly = ({ model, engine, server }: Status): boolean =>
  server?.isServed === true
    ? server.state.kind === "up" && server.state.served.fim === undefined
    : model?.hasFim === false && ["dense", "sparse", "attributing"].includes(engine.kind);

function figures(status: Status): string {
  const speed =
    status.tokensPerSecond === undefined ? "– tok/s" : `${tokensPerSecond(status.tokensPerSecond)} tok/s`;
  const { server } = status;
  if (server?.isServed === true) {
    return [speed, hostOf(server.address), ...(seesPrefixOnly(status) ? ["prefix only"] : [])].join(" · ");
  }
  const memory = status.memory === undefined ? [] : [bytes(status.memory.residentBytes)];
  const sees = seesPrefixOnly(status) ? ["prefix only"] : [];
  const point = guardPoint(status);
  const costs =
    point !== undefined && point.lossIncrease > status.maxQualityLoss
      ? [`loss ${signedPercent(point.lossIncrease)}`]
      : [];
  return [speed, ...memory, percent(activeRatio(status)), ...costs, ...sees].join(" · ");
}

/** What has been measured of the share that the active document runs with. */
function guardPoint({ engine, mask }: Status): GuardPoint | undefined {
  return engine.kind === "sparse" && mask !== undefined
    ? measuredPoint(mask.result.guard, mask.result.activeRatio)
    : undefined;
}

/** The point of the guard's curve for a share, if that has been measured: another share's says nothing about it. */
export const measuredPoint = (guard: readonly GuardPoint[], ratio: number): GuardPoint | undefined =>
  guard.find(({ activeRatio }) => Math.abs(activeRatio - ratio) < SAME_SHARE);

/** What a share costs, in a few words. A loss below none is what so few tokens cannot tell. */
export const costOf = ({ lossIncrease, top1Agreement }: GuardPoint): string =>
  lossIncrease < 0
    ? `no loss (${signedPercent(lossIncrease)}: within what so short a text can tell), same first choice ${percent(top1Agreement)}`
    : `loss ${signedPercent(lossIncrease)}, same first choice ${percent(top1Agreement)}`;

/**
 * What a token reads of the FFN with the active document's mask: as counted, once there is a completion; until then, what it is to read.
 * 1 where there is no mask.
 */
export function activeRatio({ engine, last, mask }: Status): number {
  const target = engine.kind === "sparse" ? engine.activeRatio : (mask?.result.activeRatio ?? 1);
  return engine.kind === "sparse" && last?.activeRatio === target ? (last.readRatio ?? target) : target;
}

function tooltip(status: Status, slow: boolean): string {
  return [
    `**Lacuna** — ${sentence(status)}`,
    status.server?.isServed === false
      ? `$(debug-disconnect) ${escape(serverSentence(status.server))}`
      : undefined,
    whyNothing(status),
    seesPrefixOnly(status) ? PREFIX_ONLY : undefined,
    ...(status.problems ?? []).map((problem) => `$(warning) ${escape(problem)}`),
    slow ? slowAdvice(status) : undefined,
    table(status),
    links(status),
  ]
    .filter((part) => part !== undefined && part !== "")
    .join("\n\n");
}

/** Without figures that grow: a tooltip that changes closes under the pointer. */
function sentence({ engine, model, mask, server }: Status): string {
  if (server?.isServed === true) {
    return escape(serverSentence(server));
  }
  switch (engine.kind) {
    case "starting":
      return "the engine is starting";
    case "idle":
      return `the model is not in memory (${escape(engine.why)}); it loads when you type`;
    case "loading":
      return "loading the model";
    case "dense":
      return escape(engine.why ?? model?.denseOnly ?? mask?.result.why ?? "the whole model in use");
    case "attributing":
      return `finding the neurons that ${escape(baseName(engine.path))} needs`;
    case "sparse":
      return `a token reads ${percent(engine.activeRatio)} of the FFN`;
    case "failed":
      return `$(error) ${escape(engine.why)}`;
  }
}

function whyNothing({ ineligible, place, waiting }: Status): string | undefined {
  const waits = waiting && { reading: "the prompt is being read", late: "the model did not answer in time" };
  const why = ineligible?.text ?? place ?? waits?.[waiting!.what];
  return why === undefined ? undefined : `$(info) No suggestions: ${escape(why)}.`;
}

function slowAdvice({ engine, sparsity, server }: Status): string {
  if (server?.isServed === true) {
    return "$(warning) Completions are slow. What would help: a smaller model on the server, or fewer who share it.";
  }
  const advice =
    engine.kind === "sparse" || sparsity !== "dense"
      ? "[choose a smaller share](command:lacuna.setSparsity), [a smaller model](command:lacuna.selectModel), or more `lacuna.threads`"
      : "[read less of the model](command:lacuna.setSparsity), [a smaller model](command:lacuna.selectModel), or more `lacuna.threads`";
  return `$(warning) Completions are slow. What would help: ${advice}.`;
}

function table(status: Status): string {
  const { model, last, server } = status;
  const isServed = server?.isServed === true;
  // Figures of a model that does not complete would only confuse.
  const { memory, mask } = isServed ? {} : status;
  const rows: [string, string][] = [];
  if (isServed && server.state.kind === "up") {
    rows.push(["Server", escape(servedRow(server.state.served))]);
  }
  if (model !== undefined && !isServed) {
    const threads = `${model.threads} ${model.threads === 1 ? "thread" : "threads"}`;
    const why = status.whyThreads === undefined ? "" : ` (${status.whyThreads})`;
    const size = `${(model.parameters / 1e6).toFixed(model.parameters < 1e8 ? 1 : 0)} M parameters`;
    rows.push([
      "Model",
      `${escape(model.name)}, ${escape(model.architecture)}, ${size}, ${model.gpu === "cpu" ? "CPU" : escape(model.gpu)}, ${threads}${why}`,
    ]);
  }
  if (mask !== undefined) {
    rows.push(["Mask", maskRow(mask.result, status.now - mask.at)]);
    const guard = guardRow(mask.result, status.maxQualityLoss);
    if (guard !== undefined) {
      rows.push(["Guard", guard]);
    }
  }
  if (last !== undefined) {
    const { prefill, decode } = last;
    const again = prefill.again > 0 ? ` (${prefill.again} of them read again)` : "";
    rows.push(["Prefill", `${prefill.tokens} tokens in ${Math.round(prefill.ms)} ms${again}`]);
    rows.push([
      "Decode",
      `${decode.tokens} tokens in ${Math.round(decode.ms)} ms (${tokensPerSecond(decode.tokensPerSecond)} tok/s)`,
    ]);
  }
  if (memory !== undefined) {
    rows.push(["Memory", memoryRow(memory)]);
  }
  rows.push(["Sparsity", isServed ? LOCAL_ONLY : escape(status.sparsity)]);
  return ["| | |", "|:--|:--|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join("\n");
}

function memoryRow(memory: MemoryStats): string {
  const { residentBytes, weightBytes, packedBytes, cacheBytes, heapBytes, mappedBytes } = memory;
  const parts = [
    ...(weightBytes === undefined ? [] : [`${bytes(weightBytes)} weights and program`]),
    `${bytes(packedBytes)} packed`,
    `${bytes(cacheBytes)} for prompts`,
    `${bytes(heapBytes)} JavaScript`,
  ];
  const buffers = residentBytes - (weightBytes ?? 0) - packedBytes - cacheBytes - heapBytes;
  const rest =
    weightBytes === undefined
      ? "the rest weights, vocabulary and buffers"
      : `${bytes(Math.max(0, buffers))} vocabulary and buffers`;
  return `${bytes(residentBytes)} resident: ${[...parts, rest].join(", ")}; model file ${bytes(mappedBytes)}`;
}

function maskRow(result: SparsifyResult, ageMs: number): string {
  if (result.source === "dense") {
    return `dense${result.why === undefined ? "" : ` (${escape(result.why)})`}`;
  }
  return `${percent(result.activeRatio)}, ${result.source === "remembered" ? "remembered from before" : "made from this file"}, ${age(ageMs)}`;
}

function guardRow(result: SparsifyResult, maxQualityLoss: number): string | undefined {
  if (result.source === "dense") {
    return undefined;
  }
  const point = measuredPoint(result.guard, result.activeRatio);
  if (point === undefined) {
    return "not measured for this share";
  }
  const over = point.lossIncrease > maxQualityLoss ? `; more than your ${percent(maxQualityLoss)}` : "";
  return `${costOf(point)}, on this file${over}`;
}

export const signedPercent = (share: number): string =>
  `${share >= 0 ? "+" : "−"}${(Math.abs(share) * 100).toFixed(1)} %`;

function click({ engine, ineligible, server }: Status): CommandId {
  if (server?.isServed === true ? serverHeadline(server) !== undefined : engine.kind === "failed") {
    return "lacuna.restartEngine";
  }
  return ineligible?.reason === "snoozed"
    ? "lacuna.endSnooze"
    : ineligible?.reason === "disabled"
      ? "lacuna.toggle"
      : server?.isServed === true
        ? "lacuna.showDashboard"
        : "lacuna.setSparsity";
}

/** What ends the state that the headline tells of. */
function remedies({ engine, ineligible, server }: Status): readonly (readonly [string, CommandId])[] {
  if (server !== undefined && serverSign(server) !== undefined) {
    return [
      ["Try the server again", "lacuna.restartEngine"],
      ...(server.state.kind === "refused" ? ([["Set its key", "lacuna.setServerKey"]] as const) : []),
      ["Show log", "lacuna.showLog"],
    ];
  }
  if (engine.kind === "failed") {
    return [
      ["Restart engine", "lacuna.restartEngine"],
      ["Show log", "lacuna.showLog"],
    ];
  }
  switch (ineligible?.reason) {
    case "snoozed":
      return [["End snooze", "lacuna.endSnooze"]];
    case "disabled":
      return [["Switch on", "lacuna.toggle"]];
    case "editor":
      return [["Complete here all the same", "lacuna.complete"]];
    case "language":
      return [["Switch on for this language", "lacuna.toggleLanguage"]];
    default:
      return [];
  }
}

const USUAL: readonly (readonly [string, CommandId])[] = [
  ["Set sparsity", "lacuna.setSparsity"],
  ["Select model", "lacuna.selectModel"],
  ["Dashboard", "lacuna.showDashboard"],
  ["Snooze", "lacuna.snooze"],
  ["Settings", "lacuna.openSettings"],
];

const links = (status: Status): string =>
  [...remedies(status), ...USUAL].map(([text, command]) => `[${text}](command:${command})`).join(" · ");

const baseName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

/** Markdown and table syntax in names and messages are text. */
const escape = (text: string): string => text.replace(/[\\`*_{}[\]<>|#$!]/g, "\\$&").replaceAll("\n", " ");
