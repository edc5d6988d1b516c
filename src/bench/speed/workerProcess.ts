import { fork, type ChildProcess } from "node:child_process";
import { CliError } from "../../commandLine/errors";
import type { WorkerAnswer, WorkerMethods } from "./messages";

/** The worker's command, which is not for people. */
export const WORKER_COMMAND = "bench-worker";

const forkWorker = (): ChildProcess =>
  fork(process.argv[1]!, [WORKER_COMMAND], {
    execArgv: process.execArgv,
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });

/** A bench worker as its parent sees it: one request at a time. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private pending: ((answer: WorkerAnswer) => void) | undefined;

  /**
   * @param name for messages
   * @param signal ends the worker; many workers come and go under one signal
   */
  constructor(
    readonly name: string,
    signal: AbortSignal,
    start = forkWorker,
  ) {
    this.child = start();
    const abort = (): void => {
      this.dispose();
    };
    signal.addEventListener("abort", abort, { once: true });
    this.child.on("message", (answer) => {
      this.settle(answer as WorkerAnswer);
    });
    this.child.on("exit", (code, by) => {
      signal.removeEventListener("abort", abort);
      this.settle({
        ok: false,
        message: `the process ended (${by ?? `exit code ${code}`}); is there enough memory?`,
      });
    });
    if (signal.aborted) {
      this.dispose();
    }
  }

  /** Throws a {@link CliError} when the worker fails or dies. */
  async request<M extends keyof WorkerMethods>(
    method: M,
    params: WorkerMethods[M][0],
  ): Promise<WorkerMethods[M][1]> {
    const answer = await new Promise<WorkerAnswer>((resolve) => {
      this.pending = resolve;
      const ended = (): void => {
        this.settle({ ok: false, message: "the process has ended" });
      };
      if (!this.child.connected) {
        ended();
        return;
      }
      // On Windows, the channel may outlive the process for a while.
      this.child.send({ method, params }, (error) => {
        if (error !== null || this.child.exitCode !== null || this.child.signalCode !== null) {
          ended();
        }
      });
    });
    if (!answer.ok) {
      throw new CliError(`Measuring "${this.name}" failed: ${answer.message}`);
    }
    return answer.value as WorkerMethods[M][1];
  }

  dispose(): void {
    this.child.kill("SIGKILL");
  }

  private settle(answer: WorkerAnswer): void {
    const { pending } = this;
    this.pending = undefined;
    pending?.(answer);
  }
}
