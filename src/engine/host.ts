import { Dispatcher } from "./dispatcher";
import { Engine } from "./engine";
import { toEngineError } from "./errors";
import type { FromHost, ToHost } from "./protocol";

/**
 * Main of the engine process: forked with an IPC channel of `serialization: "advanced"`. It lives as long as its
 * parent: when the channel closes, it ends.
 */
function main(): void {
  if (process.send === undefined) {
    process.stderr.write(
      "This is Lacuna's engine process; it is started by the extension or the lacuna command.\n",
    );
    process.exitCode = 2;
    return;
  }
  const send = (message: FromHost): void => {
    // Without a callback an error of the closing channel would be thrown.
    process.send?.(message, undefined, undefined, () => undefined);
  };
  const engine = new Engine(
    (state) => send({ type: "state", state }),
    (level, message) => send({ type: "log", level, message }),
  );
  const dispatcher = new Dispatcher(engine.handlers, send);

  process.on("message", (message) => dispatcher.receive(message as ToHost));
  // Not `process.exit`, which waits for native work: a model that is being loaded, or hangs, would keep its memory.
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  // The terminal's Ctrl-C reaches the whole process group; the parent decides what it means.
  process.on("SIGINT", () => undefined);
  process.on("uncaughtException", (error) => {
    send({ type: "log", level: "error", message: toEngineError(error).message });
    process.stderr.write(`${error.stack ?? String(error)}\n`, () => process.exit(1));
  });
  send({ type: "ready", pid: process.pid });
}

main();
