import { EngineClient, forkEngine } from "../../src/engine/client";
import { loadParams, root } from "./support";

/** Stands for an extension host: forks the engine, tells the engine's process id, and waits to be killed. */
const client = new EngineClient({
  spawn: () => forkEngine({ hostPath: `${root}/src/engine/host.ts`, execArgv: ["--import", "tsx"] }),
});
void client.load(loadParams).then(() => process.send?.(client.pid));
setInterval(() => undefined, 1000);
