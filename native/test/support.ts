import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getLlama, LlamaLogLevel, type Llama, type LlamaContext, type LlamaModel } from "node-llama-cpp";
import {
  createAttribution,
  setRepackFfn,
  type AttributionOptions,
  type AttributionResult,
} from "../../src/engine/native";
import type { NamedGpu } from "../../src/engine/gpu";
import type { Shape, TestModel } from "./models/model";
import { Random } from "./models/random";

/** What models are loaded on: `npm run test:gpu` names a GPU, all other tests run on the CPU. */
export const testGpu = (process.env.LACUNA_TEST_GPU ?? false) as NamedGpu | false;

/** Loads test models with the patched build and throws them away again. */
export class NativeFixture {
  private readonly folder = mkdtempSync(path.join(tmpdir(), "lacuna-native-"));
  private readonly models: LlamaModel[] = [];
  private readonly contexts: LlamaContext[] = [];
  private count = 0;

  private constructor(private readonly llama: Llama) {}

  static async create(): Promise<NativeFixture> {
    return new NativeFixture(
      await getLlama({ gpu: testGpu, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error }),
    );
  }

  async load(model: TestModel, options: { repack?: boolean } = {}): Promise<LlamaModel> {
    const modelPath = this.newPath();
    model.write(modelPath);
    setRepackFfn(this.llama, options.repack ?? true);
    const gpuLayers = testGpu === false ? 0 : "max";
    const loaded = await this.llama.loadModel({ modelPath, useMmap: true, gpuLayers });
    this.models.push(loaded);
    // A context that is collected before it is disposed keeps its model from being disposed, for ever.
    const createContext = loaded.createContext.bind(loaded);
    loaded.createContext = async (contextOptions) => {
      const context = await createContext(contextOptions);
      this.contexts.push(context);
      return context;
    };
    return loaded;
  }

  newPath(): string {
    return path.join(this.folder, `${this.count++}.gguf`);
  }

  context(model: LlamaModel): Promise<LlamaContext> {
    return model.createContext({ contextSize: 256, batchSize: 64, threads: 1, flashAttention: false });
  }

  /** One after the other: node-llama-cpp blocks libuv's four threads when more models are disposed at once. */
  async disposeModels(): Promise<void> {
    for (const context of this.contexts.splice(0)) {
      await context.dispose();
    }
    for (const model of this.models.splice(0)) {
      await model.dispose();
    }
  }

  async dispose(): Promise<void> {
    await this.disposeModels();
    await this.llama.dispose();
    removeFolder(this.folder);
  }
}

/** Windows removes no file that is mapped, and what nobody disposes of is so until it is collected: there it is left to the system. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  } catch (error) {
    if (process.platform !== "win32" || (error as NodeJS.ErrnoException).code !== "EBUSY") {
      throw error;
    }
  }
}

export async function attributeAll(
  model: LlamaModel,
  tokens: Int32Array,
  options: Omit<AttributionOptions, "threads"> & { readonly threads?: number },
): Promise<AttributionResult> {
  const job = createAttribution(model, tokens, { threads: 1, ...options });
  try {
    while ((await job.step()).phase !== "done");
    return job.result();
  } finally {
    job.dispose();
  }
}

export function randomTokens(shape: Shape, count: number, seed = 7): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length: count }, () => 3 + random.integer(shape.vocabulary - 3));
}

type Numbers = ArrayLike<number>;

/** ‖a - b‖ / ‖b‖. */
export function relativeError(a: Numbers, b: Numbers): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    error += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(error / size);
}

export function cosine(a: Numbers, b: Numbers): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < b.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Largest difference relative to the largest value. */
export function maxRelativeDifference(a: Numbers, b: Numbers): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(b[i]!));
  }
  return difference / size;
}
