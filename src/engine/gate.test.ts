import assert from "node:assert/strict";
import { Gate, type Priority } from "./gate";

/** Work that ends when told to. */
function work(gate: Gate, log: string[], name: string, priority: Priority, signal?: AbortSignal) {
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const done = gate.run(
    priority,
    async () => {
      log.push(name);
      await finished;
    },
    signal,
  );
  return { finish, done };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Gate", () => {
  let gate: Gate;
  let log: string[];
  beforeEach(() => {
    gate = new Gate();
    log = [];
  });

  it("runs one piece of work at a time, completions first", async () => {
    const first = work(gate, log, "step 1", "background");
    const second = work(gate, log, "step 2", "background");
    const completion = work(gate, log, "completion", "completion");
    await settled();
    assert.deepEqual(log, ["step 1"]);
    first.finish();
    await settled();
    assert.deepEqual(log, ["step 1", "completion"]);
    completion.finish();
    await settled();
    assert.deepEqual(log, ["step 1", "completion", "step 2"]);
    second.finish();
    await Promise.all([first.done, second.done, completion.done]);
  });

  it("keeps a completion waiting for at most one background step", async () => {
    let steps = 0;
    let completionAt = -1;
    const background = (async () => {
      for (; steps < 10; steps++) {
        await gate.run("background", settled);
      }
    })();
    await settled();
    const before = steps;
    await gate.run("completion", () => {
      completionAt = steps;
      return Promise.resolve();
    });
    assert.ok(completionAt - before <= 1);
    await background;
  });

  it("goes on after work that failed", async () => {
    await assert.rejects(
      gate.run("background", () => Promise.reject(new Error("broken"))),
      /broken/,
    );
    assert.equal(await gate.run("background", () => Promise.resolve(1)), 1);
  });

  it("gives up a place in the queue when aborted, and nothing else", async () => {
    const controller = new AbortController();
    const running = work(gate, log, "running", "background");
    const waiting = work(gate, log, "waiting", "completion", controller.signal);
    const last = work(gate, log, "last", "background");
    controller.abort();
    await assert.rejects(waiting.done, { code: "cancelled" });
    running.finish();
    last.finish();
    await last.done;
    assert.deepEqual(log, ["running", "last"]);
  });

  it("does not start work whose signal is already aborted", async () => {
    await assert.rejects(work(gate, log, "never", "completion", AbortSignal.abort()).done, {
      code: "cancelled",
    });
    assert.deepEqual(log, []);
    assert.equal(await gate.run("background", () => Promise.resolve("free")), "free");
  });
});
