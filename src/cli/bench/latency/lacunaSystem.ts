import { AdaptiveDebounce } from "../../../completion/debounce";
import type { Generated } from "../../../completion/inFlight";
import type { Place } from "../../../completion/place";
import { Shaper } from "../../../completion/shaper";
import { Suggester, type Wish } from "../../../completion/suggester";
import { whyNotHere } from "../../../completion/trigger";
import { EngineClient, forkEngine, unwrap } from "../../../engine/client";
import type { CompleteResult, LoadModel } from "../../../engine/protocol";
import type { Install } from "../../install";
import { completeRequest, END } from "./engineRequests";
import type { SimulatedEditor } from "./simulatedEditor";
import type { System, Usage, Watcher } from "./system";
import type { Trace } from "./trace";
import { cpuSeconds, residentBytes } from "./usage";

/** As in the extension. */
const AHEAD_WITHIN_MS = 400;
const SETTLE_MS = 400;
const JUMP_LINES = 30;

/** Lacuna as the extension runs it, without the editor: its engine process, and its pipeline round it. */
export class LacunaSystem implements System {
  private readonly debounce = new AdaptiveDebounce();
  private readonly suggester: Suggester;
  /** The generation started last. */
  private generation: Promise<unknown> = Promise.resolve();
  private promptTokens = 0;
  private generatedTokens = 0;
  private requests = 0;
  private started = 0;
  private settling: NodeJS.Timeout | undefined;
  /** Where the cursor came to rest last, in another place than before. */
  private settledLine: number | undefined;
  /** Generations under way. */
  private active = 0;
  private readonly cpuAtStart: number | undefined;

  private constructor(
    private readonly client: EngineClient,
    private readonly path: string,
  ) {
    this.cpuAtStart = cpuSeconds(client.pid!);
    this.suggester = new Suggester({
      shaper: new Shaper(),
      generate: (...request) => this.generate(...request),
      pauseMs: () => this.debounce.delay(),
      goesAhead: () => this.debounce.latency < AHEAD_WITHIN_MS,
    });
  }

  static async start(install: Install, load: LoadModel, trace: Trace): Promise<LacunaSystem> {
    const client = new EngineClient({ spawn: () => forkEngine(install.host), backOff: () => undefined });
    try {
      unwrap(await client.load(load));
      return new LacunaSystem(client, trace.path);
    } catch (error) {
      client.dispose();
      throw error;
    }
  }

  open(editor: SimulatedEditor): void {
    this.settle(editor);
  }

  moved(editor: SimulatedEditor): void {
    this.suggester.cancel();
    if (this.settledLine === undefined || Math.abs(editor.line - this.settledLine) > JUMP_LINES) {
      this.settle(editor);
    }
  }

  async changed(editor: SimulatedEditor, { signal, first, full }: Watcher): Promise<void> {
    const place = editor.place();
    clearTimeout(this.settling);
    this.debounce.keystroke(performance.now());
    this.suggester.moved([place]);
    if (whyNotHere(place, "automatic") !== undefined) {
      return;
    }
    const { started } = this;
    const busy = this.active > 0;
    const text = await this.suggester.suggest(place, "automatic", signal);
    if (text !== undefined && text !== "") {
      first(busy || this.started > started);
      await this.generation;
      full();
    }
  }

  async finish(): Promise<Usage> {
    clearTimeout(this.settling);
    this.suggester.cancel();
    await this.generation;
    const { pid } = this.client;
    const now = cpuSeconds(pid!);
    return {
      promptTokens: this.promptTokens,
      generatedTokens: this.generatedTokens,
      cpuSeconds: now === undefined || this.cpuAtStart === undefined ? undefined : now - this.cpuAtStart,
      residentBytes: residentBytes(pid!),
      requests: this.requests,
    };
  }

  dispose(): Promise<void> {
    this.client.dispose();
    return Promise.resolve();
  }

  private settle(editor: SimulatedEditor): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.settledLine = editor.line;
      this.warm(editor.place());
    }, SETTLE_MS);
  }

  private warm(place: Place): void {
    const { prefix, suffix, language } = place;
    this.generation = this.client.warm({ prefix, suffix, path: this.path, language }).then((outcome) => {
      this.promptTokens += outcome.ok ? outcome.value.prefill.tokens : 0;
    });
  }

  private generate(
    place: Place,
    { purpose, kind }: Wish,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Generated> {
    const { prefix, suffix, language } = place;
    const started = performance.now();
    let written = "";
    let answeredAt: number | undefined;
    const ask = async (): Promise<Generated> => {
      const outcome = await this.client.complete(
        completeRequest({ prefix, suffix, path: this.path, language }, kind),
        {
          signal,
          onItem: ({ text }) => {
            written += text;
            answeredAt ??= written.includes("\n") ? performance.now() : undefined;
            onText(written);
          },
        },
      );
      if (!outcome.ok) {
        if (signal.aborted) {
          return { text: written, end: "stopped" };
        }
        unwrap(outcome);
        throw new Error("unreachable");
      }
      const result = outcome.value;
      this.count(result);
      if (purpose !== "ahead" && result.stopReason !== "cancelled") {
        this.debounce.answered((answeredAt ?? performance.now()) - started);
      }
      return { text: result.text, end: END[result.stopReason] };
    };
    this.started++;
    this.active++;
    const generation = ask().finally(() => this.active--);
    this.generation = generation.catch(() => undefined);
    return generation;
  }

  private count({ prefill, decode, drafts }: CompleteResult): void {
    this.requests++;
    this.promptTokens += prefill.tokens;
    this.generatedTokens += decode.tokens + (drafts === undefined ? 0 : drafts.proposed - drafts.accepted);
  }
}
