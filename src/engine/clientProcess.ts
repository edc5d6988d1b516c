import { fork, type ChildProcess } from "node:child_process";
import { toEngineError } from "./errors";
import type { FromHost, ToHost } from "./protocol";

/** The part of a child process that the client uses. */
export interface EngineProcess {
  readonly pid: number | undefined;
  send(message: ToHost): void;
  onMessage(listener: (message: FromHost) => void): void;
  /** Called once, when the process is gone or could not be started. */
  onExit(listener: (exit: ProcessExit) => void): void;
  kill(): void;
}

export interface ProcessExit {
  /** Completes "the engine process …". */
  readonly why: string;
  /** What native code ended it by, such as SIGILL; undefined: something else did. */
  readonly signal?: string;
}

/** The signals of native code that does what the processor, the system or itself does not allow. */
const FATAL = new Set(["SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGABRT", "SIGTRAP"]);

/** What Windows has in their place: exit codes, most of them NTSTATUS values. */
const FATAL_CODES = new Map([
  [3, "abort"], // where nothing reports it
  [0xc000001d, "illegal instruction"],
  [0xc0000005, "access violation"],
  [0xc0000409, "abort"],
]);

/** V8's young generation, in MiB: it lets it grow to 48 and keeps that, for what is garbage by the next message. */
const HEAP_FLAGS = ["--max-semi-space-size=2"];

export interface ForkOptions {
  /** The bundled `host.mjs`, or `host.ts` with `execArgv` that loads TypeScript. */
  readonly hostPath: string;
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Lines that native code prints to stderr. */
  readonly onStderr?: (line: string) => void;
}

/**
 * Forks the engine process. Inside VS Code `process.execPath` is Electron, which runs as Node when
 * ELECTRON_RUN_AS_NODE is set; Node ignores it.
 */
export function forkEngine({ hostPath, execArgv = [], env = {}, onStderr }: ForkOptions): EngineProcess {
  const child = fork(hostPath, [], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: [...HEAP_FLAGS, ...execArgv],
    env: { ...process.env, ...env, ELECTRON_RUN_AS_NODE: "1" },
  });
  let lastLine = "";
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (chunk: string) => {
    for (const line of chunk.split("\n").filter((text) => text.trim() !== "")) {
      lastLine = line.trim();
      onStderr?.(lastLine);
    }
  });
  return {
    pid: child.pid,
    send: (message) => {
      // The callback keeps a channel that closes at this moment from throwing; the exit event tells the rest.
      child.send(message, () => undefined);
    },
    onMessage: (listener) => void child.on("message", (message) => listener(message as FromHost)),
    onExit: (listener) => onChildExit(child, () => lastLine, listener),
    kill: () => void child.kill("SIGKILL"),
  };
}

function onChildExit(
  child: ChildProcess,
  lastLine: () => string,
  listener: (exit: ProcessExit) => void,
): void {
  let told = false;
  const tell = (exit: ProcessExit): void => {
    if (!told) {
      told = true;
      listener(exit);
    }
  };
  child.on("error", (error) => tell({ why: `could not be run (${toEngineError(error).message})` }));
  child.on("exit", (code, signal) => {
    const { why: how, ...fatal } = exitOf(code, signal, process.platform);
    tell({ why: lastLine() === "" ? how : `${how} (${lastLine()})`, ...fatal });
  });
}

/** What Node says of a process that has ended, in words. */
export function exitOf(code: number | null, signal: NodeJS.Signals | null, platform: string): ProcessExit {
  if (signal !== null) {
    const hint = signal === "SIGKILL" ? ", perhaps for lack of memory" : "";
    return { why: `was ended by ${signal}${hint}`, ...(FATAL.has(signal) ? { signal } : {}) };
  }
  const fatal = platform === "win32" ? FATAL_CODES.get(code ?? 0) : undefined;
  return fatal === undefined
    ? { why: `ended with exit code ${code}` }
    : { why: `was ended by ${fatal}`, signal: fatal };
}
