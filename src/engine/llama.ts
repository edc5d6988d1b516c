import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Llama, LlamaModel } from "node-llama-cpp";
import { EngineFailure } from "./errors";
import { hasSparseEngine } from "./native";
import type { LoadModel } from "./protocol";
import { whyUnfit } from "./unfit";

export type Log = (level: "debug" | "info" | "warn" | "error", message: string) => void;

/**
 * Loads node-llama-cpp and the native addon: never builds, never downloads. node-llama-cpp is an ES module that must
 * stay unbundled (it finds its binaries by its own path), hence the dynamic import.
 */
export async function startLlama(options: Pick<LoadModel, "gpu" | "threads">, log: Log): Promise<Llama> {
  const { getLlama, LlamaLogLevel, NoBinaryFoundError } = await import("node-llama-cpp");
  try {
    const llama = await getLlama({
      gpu: options.gpu,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      maxThreads: options.threads,
      logLevel: LlamaLogLevel.warn,
      logger: (level, message) =>
        log(
          level === LlamaLogLevel.error || level === LlamaLogLevel.fatal ? "error" : "warn",
          message.trim(),
        ),
    });
    if (!hasSparseEngine(llama)) {
      throw new EngineFailure(
        "internal",
        "The native engine is node-llama-cpp's stock build, without Lacuna's patches. Run `npm run build:native`.",
      );
    }
    return llama;
  } catch (error) {
    if (error instanceof NoBinaryFoundError) {
      explainUnfitPackage();
      explainRefusedBinary(options.gpu);
      const build = options.gpu === false || options.gpu === "auto" ? "" : ` -- --gpu ${options.gpu}`;
      throw new EngineFailure(
        "internal",
        `The native engine for ${process.platform}-${process.arch} is missing. Run \`npm run build:native${build}\`.`,
      );
    }
    throw error;
  }
}

const binsFolder = (): string => fileURLToPath(new URL("../bins", import.meta.resolve("node-llama-cpp")));

/** Throws when this package is not for this machine. */
function explainUnfitPackage(): void {
  const bins = binsFolder();
  const folders = readdirSync(bins).filter((name) => existsSync(path.join(bins, name, "llama-addon.node")));
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const { platform, arch } = process;
  const glibc = header.glibcVersionRuntime;
  const why = whyUnfit({ platform, arch, glibc, release: os.release() }, folders);
  if (why !== undefined) {
    throw new EngineFailure("internal", why);
  }
}

/**
 * node-llama-cpp tries some binaries in a process of its own and only says that none was found when that one ends. Here the same tells why: it throws
 * what the linker has to say, or it ends this process by the same signal.
 */
function explainRefusedBinary(gpu: LoadModel["gpu"]): void {
  const platform = { linux: "linux", darwin: "mac", win32: "win" }[process.platform as string];
  const folder = [platform, process.arch, ...(gpu === false || gpu === "auto" ? [] : [gpu])].join("-");
  const file = path.join(binsFolder(), folder, "llama-addon.node");
  if (!existsSync(file)) {
    return;
  }
  try {
    const binding = createRequire(import.meta.url)(file) as { loadBackends(directory?: string): void };
    binding.loadBackends();
    binding.loadBackends(path.dirname(file));
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    throw new EngineFailure("internal", `The native engine does not load on this system: ${reason}`);
  }
}

/** Versions of what runs the model, by name. */
export async function llamaVersions(llama: Llama): Promise<Readonly<Record<string, string>>> {
  const { getModuleVersion } = await import("node-llama-cpp");
  return { "node-llama-cpp": await getModuleVersion(), "llama.cpp": llama.llamaCppRelease.release };
}

/**
 * Loads the weights, mapped from the file so that they are shared and can leave memory. The file must have passed
 * `checkModel`; what llama.cpp still finds wrong with it is in the log.
 */
export async function loadLlamaModel(
  llama: Llama,
  modelPath: string,
  onProgress: (fraction: number) => void,
  signal: AbortSignal | undefined,
): Promise<LlamaModel> {
  try {
    return await llama.loadModel({
      modelPath,
      useMmap: true,
      onLoadProgress: onProgress,
      ...(signal === undefined ? {} : { loadSignal: signal }),
    });
  } catch (error) {
    if (error instanceof Error && error.message === "Failed to load model") {
      throw new EngineFailure(
        "model-unsupported",
        `${modelPath} is not a model that llama.cpp can load: see the log, or choose another model.`,
      );
    }
    throw error;
  }
}
