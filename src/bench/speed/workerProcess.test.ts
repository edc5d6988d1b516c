import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { CliError } from "../../commandLine/errors";
import { WorkerProcess } from "./workerProcess";

const ECHO = "process.on('message', ({ params }) => process.send({ ok: true, value: params }))";

describe("a bench worker's process", () => {
  let children: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, ["-e", ECHO], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    children.push(child);
    return child;
  };
  const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;
  const ended = (child: ChildProcess): Promise<unknown> =>
    (child.exitCode ?? child.signalCode) ? Promise.resolve() : once(child, "exit");

  afterEach(() => {
    children.forEach((child) => child.kill("SIGKILL"));
    children = [];
  });

  it("listens to the signal for as long as it lives", async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i++) {
      const worker = new WorkerProcess("echo", signal, start);
      assert.equal(listeners(signal), 1);
      worker.dispose();
      await ended(children[i]!);
      assert.equal(listeners(signal), 0);
    }
  });

  it("ends with the signal, and with one that was aborted before", async () => {
    const controller = new AbortController();
    const before = new WorkerProcess("before", controller.signal, start);
    const request = before.request("round", "anything" as never);
    assert.equal(await request, "anything");
    controller.abort();
    await ended(children[0]!);
    const after = new WorkerProcess("after", controller.signal, start);
    await ended(children[1]!);
    assert.deepEqual(
      children.map(({ signalCode }) => signalCode),
      ["SIGKILL", "SIGKILL"],
    );
    await assert.rejects(after.request("round", "anything" as never), CliError);
  });

  it("says so when it dies in the middle of a request", async () => {
    const worker = new WorkerProcess("dense", new AbortController().signal, () =>
      spawn(process.execPath, ["-e", "process.on('message', () => process.exit(3))"], {
        stdio: ["ignore", "ignore", "ignore", "ipc"],
      }),
    );
    await assert.rejects(
      worker.request("round", "anything" as never),
      /Measuring "dense" failed: the process ended \(exit code 3\)/,
    );
  });
});
