import { readFileSync } from "node:fs";
import path from "node:path";
import { EngineClient, forkEngine, unwrap, type Outcome } from "../../src/engine/client";
import type {
  CompleteRequest,
  EngineError,
  EngineState,
  LoadModel,
  SparsifyRequest,
} from "../../src/engine/protocol";
import { modelPath } from "../testModel";

/** The tests run from the project's root. */
export const root = process.cwd();

/** One thread: spinning threads starve each other on a busy test machine. */
export const loadParams: LoadModel = { modelPath, contextSize: 512, threads: 1, gpu: false };

/** A real engine process, run from its sources. */
export class TestEngine {
  readonly states: EngineState[] = [];
  readonly logs: string[] = [];
  readonly client: EngineClient;

  constructor() {
    const hostPath = path.join(root, "src/engine/host.ts");
    this.client = new EngineClient({
      spawn: () => forkEngine({ hostPath, execArgv: ["--import", "tsx"] }),
      onState: (state) => this.states.push(state),
      onLog: (_, message) => this.logs.push(message),
      backOff: () => 0,
    });
  }

  static async loaded(overrides: Partial<LoadModel> = {}): Promise<TestEngine> {
    const engine = new TestEngine();
    unwrap(await engine.client.load({ ...loadParams, ...overrides }));
    return engine;
  }
}

/** Real code, long enough for a window and held-out tokens; it stays as it is, because greedy texts depend on it. */
export const source = readFileSync(path.join(root, "test/fixtures/source.ts.txt"), "utf8");

export function completion(overrides: Partial<CompleteRequest> = {}): CompleteRequest {
  const cursor = 4000;
  return {
    prefix: source.slice(0, cursor),
    suffix: source.slice(cursor),
    path: "/a.ts",
    language: "typescript",
    maxTokens: 24,
    ...overrides,
  };
}

export function sparsification(overrides: Partial<SparsifyRequest> = {}): SparsifyRequest {
  const { prefix, suffix, path } = completion();
  return {
    path,
    prefix,
    suffix,
    sparsity: 0.4,
    metric: "corrected-gxo",
    windowTokens: 128,
    maxQualityLoss: 0.1,
    ...overrides,
  };
}

export function errorOf<T>(outcome: Outcome<T>): EngineError {
  if (outcome.ok) {
    throw new Error(`succeeded: ${JSON.stringify(outcome.value)}`);
  }
  return outcome.error;
}
