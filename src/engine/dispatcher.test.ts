import assert from "node:assert/strict";
import { Dispatcher, type Call, type Handlers } from "./dispatcher";
import { EngineFailure } from "./errors";
import type { FromHost, Method, ToHost } from "./protocol";

type AnyHandler = (params: unknown, call: Call<unknown>) => Promise<unknown>;

function harness(handlers: Partial<Record<Method, AnyHandler>>) {
  const sent: FromHost[] = [];
  let wake = (): void => undefined;
  const dispatcher = new Dispatcher(handlers as unknown as Handlers, (message) => {
    sent.push(message);
    wake();
  });
  const request = (id: number, method: string, deadlineMs?: number): void => {
    const message = {
      type: "request",
      id,
      method,
      params: { n: id },
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    };
    dispatcher.receive(message as ToHost);
  };
  const answered = async (count: number): Promise<FromHost[]> => {
    while (sent.length < count) {
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return sent;
  };
  return { dispatcher, request, answered };
}

/** Ends only when aborted. */
const untilAborted: AnyHandler = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      reject(new Error("aborted somewhere deep down"));
    });
  });

describe("Dispatcher", () => {
  it("answers by id, with streamed items before the result", async () => {
    const { request, answered } = harness({
      complete: (params, call) => {
        call.emit({ text: "a" });
        call.emit({ text: "b" });
        return Promise.resolve(params);
      },
    });
    request(7, "complete");
    assert.deepEqual(await answered(3), [
      { type: "item", id: 7, item: { text: "a" } },
      { type: "item", id: 7, item: { text: "b" } },
      { type: "result", id: 7, result: { n: 7 } },
    ]);
  });

  it("sends errors as values of one line", async () => {
    const { request, answered } = harness({
      load: () => Promise.reject(new EngineFailure("model-missing", "There is no model.")),
      stats: () => Promise.reject(new Error("first line\n    at stack (trace.ts:1)")),
    });
    request(1, "load");
    request(2, "stats");
    request(3, "nonsense");
    const errors = new Map((await answered(3)).map((message) => ["id" in message ? message.id : 0, message]));
    assert.deepEqual(errors.get(1), {
      type: "error",
      id: 1,
      error: { code: "model-missing", message: "There is no model." },
    });
    assert.deepEqual(errors.get(2), {
      type: "error",
      id: 2,
      error: { code: "internal", message: "The engine failed: first line" },
    });
    const unknown = errors.get(3);
    assert.ok(unknown?.type === "error" && unknown.error.code === "bad-request");
  });

  it("cancels the request with that id alone, and calls the consequence a cancellation", async () => {
    const { dispatcher, request, answered } = harness({
      complete: untilAborted,
      stats: () => Promise.resolve({}),
    });
    request(1, "complete");
    request(2, "complete");
    for (const id of [2, 2, 99]) {
      dispatcher.receive({ type: "cancel", id });
    }
    assert.deepEqual(await answered(1), [
      { type: "error", id: 2, error: { code: "cancelled", message: "Cancelled." } },
    ]);
    dispatcher.receive({ type: "cancel", id: 2 }); // it has been answered
    request(3, "stats");
    assert.equal((await answered(2))[1]!.type, "result");
  });

  it("aborts at the deadline", async () => {
    const { request, answered } = harness({ complete: untilAborted });
    request(1, "complete", 1);
    const [answer] = await answered(1);
    assert.ok(answer?.type === "error" && answer.error.code === "deadline");
  });

  it("lets a handler answer an abort with what it has, but emits no more", async () => {
    const { dispatcher, request, answered } = harness({
      complete: (_, call) =>
        new Promise((resolve) => {
          call.signal.addEventListener("abort", () => {
            call.emit({ text: "late" });
            resolve({ text: "partial" });
          });
        }),
    });
    request(1, "complete");
    dispatcher.receive({ type: "cancel", id: 1 });
    assert.deepEqual(await answered(1), [{ type: "result", id: 1, result: { text: "partial" } }]);
  });
});
