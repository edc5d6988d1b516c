import { setTimeout as sleep } from "node:timers/promises";
import type { CompleteRequest } from "../../../engine/protocol";
import { parseServerAddress } from "../../../server/address";
import { ServerClient } from "../../../server/client";
import { Connection } from "../../../server/connection";
import { SimulatedEditor } from "../latency/simulatedEditor";
import { changesText, type Trace } from "../latency/trace";

/** What has become of a window's requests. */
export interface Fates {
  asked: number;
  /** To their end. */
  answered: number;
  /** By the next key. */
  cancelled: number;
  /** Their time was over. */
  late: number;
  /** Answered with a reason, by the reason. */
  readonly failed: Map<string, number>;
  /** Milliseconds from a request to its first text. */
  readonly firstMs: number[];
}

/** As the extension's, where the engine is quick. */
const DEBOUNCE_MS = 60;
const DEADLINE_MS = 30_000;

/** One window that types what a trace says, again and again, and asks a server at every key. */
export class Window {
  readonly fates: Fates = { asked: 0, answered: 0, cancelled: 0, late: 0, failed: new Map(), firstMs: [] };
  private readonly client: ServerClient;
  /** Requests that are not answered yet. */
  private readonly open = new Set<Promise<void>>();

  constructor(
    address: string,
    contextSize: number,
    private readonly trace: Trace,
    private readonly name: string,
  ) {
    this.client = new ServerClient({
      connection: new Connection({ address: parseServerAddress(address) }),
      wanted: { kind: "auto", model: "", fim: "auto", contextSize },
    });
  }

  get openRequests(): number {
    return this.open.size;
  }

  /** Resolves when the signal is aborted and everything that was asked for has been answered. */
  async type(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.once(signal);
      }
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
    }
    await Promise.all(this.open);
    this.client.dispose();
  }

  private async once(signal: AbortSignal): Promise<void> {
    const editor = new SimulatedEditor(`file:///${this.name}`, this.trace.language, this.trace);
    let key = new AbortController();
    for (const event of this.trace.events) {
      await sleep(event.ms, undefined, { signal });
      key.abort();
      key = new AbortController();
      editor.apply(event);
      if (changesText(event)) {
        const work = this.ask(editor, key.signal);
        this.open.add(work);
        void work.finally(() => this.open.delete(work));
      }
    }
    key.abort();
  }

  private async ask(editor: SimulatedEditor, signal: AbortSignal): Promise<void> {
    const { prefix, suffix, language, document } = editor.place();
    const waited = await sleep(DEBOUNCE_MS, true, { signal }).catch(() => false);
    if (!waited) {
      return;
    }
    const { fates } = this;
    fates.asked++;
    const request: CompleteRequest = {
      ...{ prefix, suffix, language, document, path: this.trace.path, maxTokens: 64, maxLines: 8 },
    };
    const at = performance.now();
    let first: number | undefined;
    const outcome = await this.client.complete(request, {
      signal,
      deadlineMs: DEADLINE_MS,
      onItem: ({ text }) => {
        first ??= text === "" ? undefined : performance.now() - at;
      },
    });
    if (first !== undefined) {
      fates.firstMs.push(first);
    }
    if (outcome.ok && outcome.value.stopReason === "deadline") {
      fates.late++;
    } else if (outcome.ok ? outcome.value.stopReason === "cancelled" : outcome.error.code === "cancelled") {
      fates.cancelled++;
    } else if (outcome.ok) {
      fates.answered++;
    } else {
      const why = outcome.error.message.replace(/\d{5,}/g, "…");
      fates.failed.set(why, (fates.failed.get(why) ?? 0) + 1);
    }
  }
}
