import { EngineFailure, toEngineError } from "./errors";
import { toAbortError } from "./abort";
import type { EngineMethods, FromHost, Method, ToHost } from "./protocol";

export interface Call<Item> {
  /** Aborted with an {@link EngineFailure} when the request is cancelled or its deadline has passed. */
  readonly signal: AbortSignal;
  emit(item: Item): void;
}

export type Handlers = {
  readonly [M in Method]: (
    params: EngineMethods[M][0],
    call: Call<EngineMethods[M][2]>,
  ) => Promise<EngineMethods[M][1]>;
};

/** Turns messages into calls: request ids, deadlines, cancellation, streamed items, errors as values. */
export class Dispatcher {
  private readonly running = new Map<number, AbortController>();

  constructor(
    private readonly handlers: Handlers,
    private readonly send: (message: FromHost) => void,
  ) {}

  receive(message: ToHost): void {
    if (message.type === "cancel") {
      this.running.get(message.id)?.abort(new EngineFailure("cancelled", "Cancelled."));
      return;
    }
    const handler = this.handlers[message.method] as Handlers[Method] | undefined;
    if (handler === undefined) {
      const error = {
        code: "bad-request" as const,
        message: `The engine knows no request "${message.method}".`,
      };
      this.send({ type: "error", id: message.id, error });
      return;
    }
    void this.call(handler as (params: unknown, call: Call<unknown>) => Promise<unknown>, message);
  }

  private async call(
    handler: (params: unknown, call: Call<unknown>) => Promise<unknown>,
    { id, params, deadlineMs }: Extract<ToHost, { type: "request" }>,
  ): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    this.running.set(id, controller);
    const timer =
      deadlineMs === undefined
        ? undefined
        : setTimeout(
            () => controller.abort(new EngineFailure("deadline", "The deadline has passed.")),
            deadlineMs,
          );
    try {
      const emit = (item: unknown): void => {
        if (!signal.aborted) {
          this.send({ type: "item", id, item });
        }
      };
      const result = await handler(params, { signal, emit });
      this.send({ type: "result", id, result });
    } catch (error) {
      // Whatever broke because it was aborted is the abort.
      this.send({ type: "error", id, error: toEngineError(signal.aborted ? toAbortError(signal) : error) });
    } finally {
      clearTimeout(timer);
      this.running.delete(id);
    }
  }
}
