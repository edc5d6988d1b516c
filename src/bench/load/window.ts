import type { Completer, Outcome, RequestOptions } from "../../engine/client";
import type {
  CompleteItem,
  CompleteRequest,
  CompleteResult,
  WarmRequest,
  WarmResult,
} from "../../engine/protocol";
import type { ServerClient } from "../../server/client";
import type { BackgroundSyntax } from "../../syntax/backgroundSyntax";
import { LacunaSystem, serverClient } from "../latency/lacunaSystem";
import { replay } from "../latency/replay";
import type { Trace } from "../latency/trace";

/** What has become of a window's requests. */
export interface Fates {
  asked: number;
  /** To their end. */
  answered: number;
  /** Because the text went on otherwise. */
  cancelled: number;
  /** Their time was over. */
  late: number;
  /** Answered with a reason, by the reason. */
  readonly failed: Map<string, number>;
  /** Milliseconds from a request to its first text. */
  readonly firstMs: number[];
}

/** One window that types what a trace says, again and again, with all that the extension does about it, on a server. */
export class Window {
  readonly counting: CountingCompleter;

  constructor(
    address: string,
    private readonly contextSize: number,
    private readonly trace: Trace,
    private readonly name: string,
    private readonly syntax: BackgroundSyntax,
  ) {
    this.counting = new CountingCompleter(serverClient(address, contextSize));
  }

  /** Resolves when the signal is aborted and everything that was asked for has been answered. */
  async type(signal: AbortSignal): Promise<void> {
    const { counting: completer, syntax, contextSize, trace } = this;
    const dispose = (): Promise<void> => Promise.resolve();
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const system = new LacunaSystem({ completer, syntax, pid: process.pid, contextSize, dispose }, trace);
      try {
        await replay(trace, system, `file:///${this.name}`, 1, signal, () => undefined);
      } catch (error) {
        if (!isOver()) {
          throw error;
        }
      }
      await system.finish();
      await system.dispose();
    }
    completer.dispose();
  }
}

/** Counts what becomes of each request. */
class CountingCompleter implements Completer {
  readonly fates: Fates = { asked: 0, answered: 0, cancelled: 0, late: 0, failed: new Map(), firstMs: [] };
  /** Requests that are not answered yet. */
  open = 0;

  constructor(private readonly client: ServerClient) {}

  async complete(
    request: CompleteRequest,
    options: RequestOptions<CompleteItem> = {},
  ): Promise<Outcome<CompleteResult>> {
    const { fates } = this;
    const at = performance.now();
    let first: number | undefined;
    fates.asked++;
    this.open++;
    const outcome = await this.client.complete(request, {
      ...options,
      onItem: (item) => {
        first ??= item.text === "" ? undefined : performance.now() - at;
        options.onItem?.(item);
      },
    });
    this.open--;
    if (first !== undefined) {
      fates.firstMs.push(first);
    }
    const how = outcome.ok ? outcome.value.stopReason : outcome.error.code;
    if (how === "deadline") {
      fates.late++;
    } else if (how === "cancelled") {
      fates.cancelled++;
    } else if (outcome.ok) {
      fates.answered++;
    } else {
      const why = outcome.error.message.replace(/:\d{4,5}\b/g, "");
      fates.failed.set(why, (fates.failed.get(why) ?? 0) + 1);
    }
    // The pipeline asks for nothing more where a request has failed; here, too, that is told and goes on.
    return outcome.ok ? outcome : { ok: false, error: { code: "deadline", message: outcome.error.message } };
  }

  warm(request: WarmRequest, options: RequestOptions = {}): Promise<Outcome<WarmResult>> {
    return this.client.warm(request, options);
  }

  dispose(): void {
    this.client.dispose();
  }
}
