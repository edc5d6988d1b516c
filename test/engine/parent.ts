import { EngineClient, forkEngine } from "../../src/engine/client";
import { loadParams, root } from "./support";

/** Stands for native work that hangs: keeps one of the engine's worker threads, and none of the processes that it starts itself. */
const busy = encodeURIComponent(`import { open } from "node:fs";
  if (process.argv[1].endsWith("host.ts")) open(process.env.LACUNA_TEST_PIPE, "r", () => undefined);`);

/**
 * Stands for an extension host: forks the engine, tells the engine's process id, and waits to be killed. With LACUNA_TEST_PIPE the
 * engine has something to wait for.
 */
const execArgv = [
  ...["--import", "tsx"],
  ...(process.env.LACUNA_TEST_PIPE === undefined ? [] : ["--import", `data:text/javascript,${busy}`]),
];
const client = new EngineClient({
  spawn: () => forkEngine({ hostPath: `${root}/src/engine/host.ts`, execArgv }),
});
void client.load(loadParams).then(() => process.send?.(client.pid));
setInterval(() => undefined, 1000);
