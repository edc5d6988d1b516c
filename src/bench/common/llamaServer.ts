import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../../commandLine/errors";

export interface ServerOptions {
  readonly binary: string;
  readonly modelPath: string;
  readonly contextSize: number;
  readonly threads: number;
  /** Requests that are worked on at once, each with a context of its own (default 1). */
  readonly slots?: number;
  /** Absent: anybody may ask. */
  readonly key?: string;
  /** Absent: any that is free. */
  readonly port?: number;
}

/** An answer of `/infill`, as far as it is looked at. */
export interface InfillAnswer {
  readonly content: string;
}

const START_MS = 120_000;

/** What llama.vscode lets it generate, and special tokens. */
const ROOM_TOKENS = 128 + 16;

/**
 * The server's options that llama.vscode recommends (llama.cpp's `--fim-…-default`), except that context and batch fit the model:
 * `/infill` takes three quarters of a batch for the prefix and one for the suffix, and what it generates has to fit behind them.
 */
export function serverArguments(
  { modelPath, contextSize, threads, slots = 1, key }: ServerOptions,
  port: number,
): string[] {
  const batch = String(Math.min(1024, Math.max(64, contextSize - ROOM_TOKENS)));
  return [
    ...["--model", modelPath, "--host", "127.0.0.1", "--port", String(port)],
    ...["--ctx-size", String(contextSize * slots), "--batch-size", batch, "--ubatch-size", batch],
    ...["--parallel", String(slots), "--cache-reuse", "256"],
    ...["--threads", String(threads), "--threads-batch", String(threads), "--gpu-layers", "0"],
    ...(key === undefined ? [] : ["--api-key", key]),
    ...["--metrics", "--slots"],
  ];
}

/** A stock llama-server process. */
export class LlamaServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly address: string,
  ) {}

  get pid(): number {
    return this.child.pid!;
  }

  /**
   * Resolves when the model is loaded. Throws a {@link CliError} when the server does not start.
   * @param onBegun the process is there, and may answer that it is loading
   */
  static async start(
    options: ServerOptions,
    signal: AbortSignal,
    onBegun?: (address: string) => void,
  ): Promise<LlamaServer> {
    const port = options.port ?? (await freePort());
    const child = spawn(options.binary, serverArguments(options, port), {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let last = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (last = (last + text).slice(-2_000)));
    const ended = new Promise<string>((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("exit", () => resolve(last.trim().split("\n").at(-1) ?? ""));
    });
    const server = new LlamaServer(child, `http://127.0.0.1:${port}`);
    onBegun?.(server.address);
    const failed = ended.then((why) => {
      throw new CliError(`${options.binary} did not start: ${why}`);
    });
    failed.catch(() => undefined);
    try {
      await Promise.race([server.healthy(signal), failed]);
      return server;
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  async infill(body: object, signal?: AbortSignal): Promise<InfillAnswer> {
    const response = await fetch(`${this.address}/infill`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok) {
      throw new CliError(
        `llama-server answered ${response.status}: ${(await response.text()).slice(0, 200)}`,
      );
    }
    return (await response.json()) as InfillAnswer;
  }

  /** How many requests are worked on now. */
  async busy(): Promise<number> {
    const slots = (await (await fetch(`${this.address}/slots`)).json()) as readonly {
      is_processing: boolean;
    }[];
    return slots.filter((slot) => slot.is_processing).length;
  }

  /** Requests that wait for a slot. */
  async waiting(): Promise<number> {
    const text = await (await fetch(`${this.address}/metrics`)).text();
    return Number(/^llamacpp:requests_deferred (\d+)/m.exec(text)?.[1] ?? NaN);
  }

  /** Tokens evaluated since the start. */
  async tokens(): Promise<{ readonly prompt: number; readonly generated: number }> {
    const text = await (await fetch(`${this.address}/metrics`)).text();
    const value = (name: string): number =>
      Number(new RegExp(`^llamacpp:${name} ([\\d.e+]+)$`, "m").exec(text)?.[1] ?? NaN);
    return { prompt: value("prompt_tokens_total"), generated: value("tokens_predicted_total") };
  }

  async dispose(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined) {
      return;
    }
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }

  private async healthy(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + START_MS;
    while (performance.now() < deadline) {
      const ok = await fetch(`${this.address}/health`).then(
        (response) => response.ok,
        () => false,
      );
      if (ok) {
        return;
      }
      await sleep(50, undefined, { signal });
    }
    throw new CliError("llama-server did not become ready in two minutes.");
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
