import type { Install } from "../../commandLine/install";
import { FrozenContexts } from "../../completion/context/frozen";
import { AdaptiveDebounce } from "../../completion/debounce";
import { firstLineEnd } from "../../completion/ending/end";
import { isFragment } from "../../completion/ending/whole";
import type { Generated } from "../../completion/inFlight";
import { typedSince, type Place } from "../../completion/place";
import { PrefillSpeed } from "../../completion/prefillSpeed";
import { Shaper } from "../../completion/shaper";
import { Suggester, type Wish } from "../../completion/suggester";
import { whyNotHere } from "../../completion/trigger";
import { EngineClient, forkEngine, unwrap, type Completer } from "../../engine/client";
import { now } from "../../engine/clock";
import { ENDING, type CompleteResult, type LoadModel, type WarmRequest } from "../../engine/protocol";
import { parseServerAddress } from "../../server/address";
import { ServerClient } from "../../server/client";
import { Connection } from "../../server/connection";
import { BackgroundSyntax } from "../../syntax/backgroundSyntax";
import { grammarFolder } from "../../syntax/folder";
import type { LlamaServer } from "../common/llamaServer";
import { completeRequest } from "./engineRequests";
import { projectContext } from "./givenProject";
import { RequestLog } from "./phases";
import type { SimulatedEditor } from "./simulatedEditor";
import type { System, Usage, Watcher } from "./system";
import type { Trace } from "./trace";
import { cpuSeconds, residentBytes } from "./usage";

/** VS Code withdraws its request after this long at the end of a word, to open its list. */
const WITHDRAWN_MS = 750;
const WORD_END = /[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** As in the extension. */
const AHEAD_WITHIN_MS = 400;
const DEADLINE_MS = { automatic: 30_000, invoked: 30_000, ahead: 8_000 } as const;
const SETTLE_MS = 400;
const REST_MS = 150;
const PAUSE_MS = 1_000;
const IDLE_MS = 3_000;
const REFRESH_MS = 20_000;
const SLOW_REFRESH_MS = 180_000;
const JUMP_LINES = 30;

/** What completes for Lacuna, and the process that runs the model. */
export interface Backing {
  readonly completer: Completer;
  readonly syntax: BackgroundSyntax;
  readonly pid: number;
  readonly contextSize: number;
  /** Tokens as the model's process counts them; absent: as it tells with each answer. */
  readonly tokens?: () => Promise<{ readonly prompt: number; readonly generated: number }>;
  dispose(): Promise<void>;
}

/**
 * Lacuna as the extension runs it, without the editor: its pipeline, with grammars and other files of the project, round its engine process or a
 * llama-server.
 */
export class LacunaSystem implements System {
  private readonly debounce = new AdaptiveDebounce();
  private readonly suggester: Suggester;
  /** The generation started last. */
  private generation: Promise<unknown> = Promise.resolve();
  private log: RequestLog | undefined;
  /** Of the last one that somebody waited for. */
  private asked: RequestLog | undefined;
  private promptTokens = 0;
  private generatedTokens = 0;
  private againTokens = 0;
  private readonly offers = { texts: 0, fragments: 0 };
  /** Told where a suggestion is ready that was asked for too long ago. */
  private ready: ((place: Place) => void) | undefined;
  private requests = 0;
  private readonly decoding = { tokens: 0, ms: 0, proposed: 0, accepted: 0 };
  private settling: NodeJS.Timeout | undefined;
  private resting: NodeJS.Timeout | undefined;
  private readonly speed = new PrefillSpeed();
  /** Where and when the cursor came to rest last. */
  private settled: { readonly line: number; readonly time: number } | undefined;
  private readonly contexts = new FrozenContexts();
  private warming: { readonly controller: AbortController; readonly done: Promise<unknown> } | undefined;
  /** Generations under way. */
  private active = 0;
  private readonly cpuAtStart: number | undefined;
  private readonly contextSize: number;

  constructor(
    private readonly backing: Backing,
    private readonly trace: Trace,
  ) {
    this.contextSize = backing.contextSize;
    this.cpuAtStart = cpuSeconds(backing.pid);
    this.suggester = new Suggester({
      shaper: new Shaper(backing.syntax),
      generate: (...request) => this.generate(...request),
      pauseMs: () => this.debounce.delay(),
      onReady: (place) => this.ready?.(place),
      goesAhead: () => this.debounce.latency < AHEAD_WITHIN_MS,
    });
  }

  static async start(install: Install, load: LoadModel, trace: Trace): Promise<LacunaSystem> {
    const client = new EngineClient({ spawn: () => forkEngine(install.host), backOff: () => undefined });
    const syntax = new BackgroundSyntax(grammarFolder(install.root));
    const dispose = (): Promise<void> => {
      syntax.dispose();
      client.dispose();
      return Promise.resolve();
    };
    try {
      const { contextSize } = unwrap(await client.load(load));
      return new LacunaSystem({ completer: client, syntax, pid: client.pid!, contextSize, dispose }, trace);
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  /** Completes on `server`, which ends with the system. */
  static async startOn(
    server: LlamaServer,
    install: Install,
    contextSize: number,
    trace: Trace,
  ): Promise<LacunaSystem> {
    const client = serverClient(server.address, contextSize);
    const syntax = new BackgroundSyntax(grammarFolder(install.root));
    const dispose = async (): Promise<void> => {
      syntax.dispose();
      client.dispose();
      await server.dispose();
    };
    try {
      const served = unwrap(await client.open());
      const { pid } = server;
      const tokens = (): ReturnType<LlamaServer["tokens"]> => server.tokens();
      const backing = { completer: client, syntax, pid, contextSize: served.contextSize, tokens, dispose };
      return new LacunaSystem(backing, trace);
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  open(editor: SimulatedEditor): void {
    this.after(SETTLE_MS, editor);
    this.rest(REST_MS, editor);
  }

  moved(editor: SimulatedEditor): void {
    this.suggester.cancel();
    this.rest(REST_MS, editor);
    if (this.jumped(editor)) {
      this.after(SETTLE_MS, editor);
    }
  }

  async changed(editor: SimulatedEditor, { signal, first, full }: Watcher): Promise<void> {
    const place = editor.place();
    this.warming?.controller.abort();
    this.after(IDLE_MS, editor);
    this.rest(PAUSE_MS, editor);
    this.debounce.keystroke(performance.now());
    this.suggester.moved([place]);
    if (whyNotHere(place, "automatic") !== undefined) {
      return;
    }
    const at = now();
    const joined = this.active > 0 ? this.log : undefined;
    const { asked } = this;
    const text = await this.shown(place, signal);
    if (text !== undefined && text !== "") {
      this.offers.texts++;
      this.offers.fragments += isFragment(place, text) ? 1 : 0;
      // What is generated ahead starts before this is known; it is not where the text comes from.
      const log = this.asked === asked ? joined : this.asked;
      first(text, log?.grewSince(at) === true, log);
      await this.generation;
      full();
    }
  }

  /** What comes on the screen: also when it is ready only after the editor has withdrawn its request. */
  private async shown(place: Place, signal: AbortSignal): Promise<string | undefined> {
    const atWordEnd = WORD_END.test(place.prefix.slice(-64));
    const asks = atWordEnd ? AbortSignal.any([signal, AbortSignal.timeout(WITHDRAWN_MS)]) : signal;
    const text = await this.suggester.suggest(place, "automatic", asks);
    if (text !== undefined || signal.aborted || !asks.aborted) {
      return text;
    }
    await new Promise<void>((resolve) => {
      this.ready = (where) => (typedSince(place, where) === "" ? resolve() : undefined);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    return this.suggester.suggest(place, "automatic", signal); // nothing where another key has come
  }

  async finish(): Promise<Usage> {
    clearTimeout(this.settling);
    clearTimeout(this.resting);
    this.suggester.cancel();
    this.warming?.controller.abort();
    await Promise.all([this.generation, this.warming?.done]);
    const { pid, tokens } = this.backing;
    const now = cpuSeconds(pid);
    const counted = await tokens?.();
    return {
      promptTokens: counted?.prompt ?? this.promptTokens,
      generatedTokens: counted?.generated ?? this.generatedTokens,
      againTokens: this.againTokens,
      cpuSeconds: now === undefined || this.cpuAtStart === undefined ? undefined : now - this.cpuAtStart,
      residentBytes: residentBytes(pid),
      requests: this.requests,
      offers: this.offers,
      decoding: this.decoding,
    };
  }

  async dispose(): Promise<void> {
    clearTimeout(this.settling);
    clearTimeout(this.resting);
    await this.backing.dispose();
  }

  private after(ms: number, editor: SimulatedEditor): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => void this.settle(editor), ms);
  }

  private rest(ms: number, editor: SimulatedEditor): void {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      if (this.speed.isCheap(this.contextSize)) {
        this.warm(editor.place());
      }
    }, ms);
  }

  private jumped({ line }: SimulatedEditor): boolean {
    return this.settled === undefined || Math.abs(line - this.settled.line) > JUMP_LINES;
  }

  /** As the extension's `Settling`. */
  private async settle(editor: SimulatedEditor): Promise<void> {
    const jumped = this.jumped(editor);
    const refreshMs = this.speed.isCheap(this.contextSize) ? REFRESH_MS : SLOW_REFRESH_MS;
    if (!jumped && performance.now() - this.settled!.time < refreshMs) {
      return;
    }
    this.settled = { line: editor.line, time: performance.now() };
    const place = editor.place();
    const { path, files = [] } = this.trace;
    const chosen = await projectContext(place, path, files, this.contextSize);
    const changed = this.contexts.replace(editor.document, { files: chosen, edits: "" });
    if ((changed || jumped) && editor.place().offset === place.offset) {
      this.warm(place);
    }
  }

  private warm(place: Place): void {
    this.warming?.controller.abort();
    const controller = new AbortController();
    const { signal } = controller;
    const done = this.backing.completer.warm(this.request(place), { signal }).then((outcome) => {
      if (outcome.ok) {
        this.promptTokens += outcome.value.prefill.tokens;
        this.againTokens += outcome.value.prefill.again;
        this.speed.evaluated(outcome.value.prefill);
      }
    });
    this.warming = { controller, done };
  }

  private request({ document, prefix, suffix, language }: Place): WarmRequest {
    const { files } = this.contexts.of(document);
    return { prefix, suffix, path: this.trace.path, language, context: files };
  }

  private generate(
    place: Place,
    { purpose, kind }: Wish,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Generated> {
    const started = performance.now();
    const log = new RequestLog(now());
    this.log = log;
    this.asked = purpose === "ahead" ? this.asked : log;
    let written = "";
    let answeredAt: number | undefined;
    const ask = async (): Promise<Generated> => {
      const outcome = await this.backing.completer.complete(completeRequest(this.request(place), kind), {
        signal,
        deadlineMs: DEADLINE_MS[purpose],
        onItem: ({ text }) => {
          written += text;
          log.grown(now(), written);
          answeredAt ??= firstLineEnd(written) === undefined ? undefined : performance.now();
          onText(written);
        },
      });
      if (!outcome.ok) {
        if (signal.aborted || outcome.error.code === "deadline") {
          return { text: written, end: "stopped" };
        }
        unwrap(outcome);
        throw new Error("unreachable");
      }
      const result = outcome.value;
      log.ended(now(), result);
      this.count(result);
      if (purpose !== "ahead") {
        const ms = (answeredAt ?? performance.now()) - started;
        const answered = answeredAt !== undefined || result.stopReason !== "cancelled";
        this.debounce.took({ ms, answered, promptTokens: result.prefill.tokens });
      }
      return { text: result.text, end: ENDING[result.stopReason] };
    };
    this.active++;
    const generation = ask().finally(() => this.active--);
    this.generation = generation.catch(() => undefined);
    return generation;
  }

  private count({ prefill, decode, drafts = { proposed: 0, accepted: 0 } }: CompleteResult): void {
    this.speed.evaluated(prefill);
    this.requests++;
    this.promptTokens += prefill.tokens;
    this.againTokens += prefill.again;
    this.generatedTokens += decode.tokens + drafts.proposed - drafts.accepted;
    this.decoding.tokens += decode.tokens;
    this.decoding.ms += decode.ms;
    this.decoding.proposed += drafts.proposed;
    this.decoding.accepted += drafts.accepted;
  }
}

/** As the extension's, for a server that says what it is. */
export const serverClient = (address: string, contextSize: number): ServerClient =>
  new ServerClient({
    connection: new Connection({ address: parseServerAddress(address) }),
    wanted: { kind: "llama-server", model: "", fim: "auto", contextSize },
  });
