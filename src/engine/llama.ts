import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type * as NodeLlamaCpp from "node-llama-cpp";
import type { Llama, LlamaModel } from "node-llama-cpp";
import { EngineFailure } from "./errors";
import {
  describeGpuMemory,
  describeGpuProblem,
  gpuFolder,
  gpuProblemAfter,
  gpuProblemBefore,
  gpuProblemOf,
  hasGpuBinary,
  whyOnCpu,
  type GpuPlace,
} from "./gpu";
import { hasSparseEngine } from "./native";
import type { LoadModel } from "./protocol";
import { whyUnfit, type Here } from "./unfit";

export type Log = (level: "debug" | "info" | "warn" | "error", message: string) => void;

/** What the engine is started from; tests give another. */
export interface Installation {
  library(): Promise<Pick<typeof NodeLlamaCpp, "getLlama" | "LlamaLogLevel" | "NoBinaryFoundError">>;
  readonly place: Omit<GpuPlace, "folders">;
  /** Names of those that hold binaries. */
  folders(): readonly string[];
  system(): Pick<Here, "glibc" | "release">;
}

const installed: Installation = {
  library: () => import("node-llama-cpp"),
  place: {
    platform: process.platform,
    arch: process.arch,
    get fromSources() {
      return existsSync(path.join(binsFolder(), "../../../native/build.mjs"));
    },
    load: loadBinary,
  },
  folders: () =>
    readdirSync(binsFolder()).filter((name) => existsSync(path.join(binsFolder(), name, "llama-addon.node"))),
  system: () => {
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
    return { glibc: header.glibcVersionRuntime, release: os.release() };
  },
};

/**
 * Loads node-llama-cpp and the native addon: never builds, never downloads. node-llama-cpp is an ES module that must
 * stay unbundled (it finds its binaries by its own path), hence the dynamic import.
 * @throws {@link EngineFailure} where the GPU that is asked for by name cannot be used: no other takes its place
 */
export async function startLlama(
  { gpu, threads }: Pick<LoadModel, "gpu" | "threads">,
  log: Log,
  installation: Installation = installed,
): Promise<Llama> {
  const { getLlama, LlamaLogLevel, NoBinaryFoundError } = await installation.library();
  const named = gpu === false || gpu === "auto" ? undefined : gpu;
  const place = { ...installation.place, folders: installation.folders() };
  const missing = named && gpuProblemBefore(named, place);
  if (missing !== undefined) {
    explainUnfitPackage(place, installation);
    throw new EngineFailure("internal", describeGpuProblem(named!, missing));
  }
  const open = (which: LoadModel["gpu"]): Promise<Llama> =>
    getLlama({
      gpu: which,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      maxThreads: threads,
      logLevel: LlamaLogLevel.warn,
      logger: (level, message) =>
        log(
          level === LlamaLogLevel.error || level === LlamaLogLevel.fatal ? "error" : "warn",
          message.trim(),
        ),
    });
  let llama: Llama;
  try {
    // On Apple silicon, node-llama-cpp's `auto` knows no binary but Metal's.
    llama = await open(gpu === "auto" && !hasGpuBinary(place.folders) ? false : gpu);
    if (!(await hasDevice(llama))) {
      await llama.dispose();
      if (named !== undefined) {
        throw new EngineFailure("internal", describeGpuProblem(named, { kind: "no-device" }));
      }
      llama = await open(false);
    }
  } catch (error) {
    if (error instanceof NoBinaryFoundError) {
      explainUnfitPackage(place, installation);
      throw named === undefined
        ? refusedBinary(place)
        : new EngineFailure("internal", describeGpuProblem(named, gpuProblemOf(named, place)));
    }
    throw error;
  }
  const problem = gpuProblemAfter(gpu, llama.gpu);
  if (problem !== undefined && gpu !== "auto") {
    await llama.dispose();
    throw new EngineFailure("internal", describeGpuProblem(gpu, problem));
  }
  if (!hasSparseEngine(llama)) {
    throw new EngineFailure(
      "internal",
      `The native engine is node-llama-cpp's stock build, without Lacuna's patches. ${howToGetIt(place)}`,
    );
  }
  return llama;
}

/** Vulkan's loader is on many systems that have no graphics card; node-llama-cpp then gives a GPU without memory. */
const hasDevice = async (llama: Llama): Promise<boolean> =>
  llama.gpu === false || (await llama.getGpuDeviceNames()).length > 0;

const binsFolder = (): string => fileURLToPath(new URL("../bins", import.meta.resolve("node-llama-cpp")));

/** Throws when the package is not for the machine. */
function explainUnfitPackage({ platform, arch, folders }: GpuPlace, installation: Installation): void {
  const why = whyUnfit({ platform, arch, ...installation.system() }, folders);
  if (why !== undefined) {
    throw new EngineFailure("internal", why);
  }
}

const howToGetIt = ({ fromSources }: GpuPlace): string =>
  fromSources === true
    ? "Run `npm run build:native`."
    : "Install Lacuna again, or use it with lacuna.server.";

/** Why there is no binary for the CPU, or it does not load. */
function refusedBinary(place: GpuPlace): EngineFailure {
  const folder = gpuFolder(false, place);
  if (place.folders.includes(folder)) {
    try {
      place.load(folder);
    } catch (error) {
      const [reason] = (error instanceof Error ? error.message : String(error)).split(/\.?\r?\n|\.$/, 1);
      return new EngineFailure(
        "internal",
        `The native engine does not load on this system: ${reason}. ${howToGetIt(place)}`,
      );
    }
  }
  return new EngineFailure(
    "internal",
    `The native engine for ${place.platform}-${place.arch} is missing. ${howToGetIt(place)}`,
  );
}

/**
 * node-llama-cpp tries some binaries in a process of its own and only says that none was found when that one ends. Here the same tells why: it throws
 * what the linker has to say, or it ends this process by the same signal.
 */
function loadBinary(folder: string): string | false | undefined {
  const directory = path.join(binsFolder(), folder);
  const binding = createRequire(import.meta.url)(path.join(directory, "llama-addon.node")) as {
    loadBackends(directory?: string): void;
    getGpuType(): string | false | undefined;
    ensureGpuDeviceIsSupported(): void;
  };
  binding.loadBackends();
  binding.loadBackends(directory);
  const gpu = binding.getGpuType();
  if (gpu !== false && gpu !== undefined) {
    binding.ensureGpuDeviceIsSupported();
    return gpu;
  }
  // A backend in a library of its own is left out without a word where it does not load; as an addon it says why.
  const backend = new RegExp(`ggml-${folder.split("-")[2]}\\.(so|dll|dylib)$`);
  for (const name of readdirSync(directory).filter((file) => backend.test(file))) {
    try {
      process.dlopen({ exports: {} }, path.join(directory, name));
    } catch (error) {
      if (!/did not self-register/i.test(String(error))) {
        throw error;
      }
    }
  }
  return gpu;
}

/**
 * What a person should know of a model that a GPU was to run, when not all of it runs there; undefined: nothing.
 * @param free of the GPU before the model was loaded
 * @throws {@link EngineFailure} where the GPU was asked for by name and has no room for any layer
 */
export function gpuNote(
  asked: LoadModel["gpu"],
  model: Pick<LlamaModel, "gpuLayers" | "size"> & { readonly fileInsights: { readonly totalLayers: number } },
  vram: { readonly free: number; readonly total: number } | undefined,
): string | undefined {
  if (vram === undefined) {
    return asked === "auto"
      ? whyOnCpu({ ...installed.place, folders: installed.folders() }, hasNvidia())
      : undefined;
  }
  const note = describeGpuMemory({
    freeBytes: vram.free,
    totalBytes: vram.total,
    modelBytes: model.size,
    layers: model.fileInsights.totalLayers,
    fit: model.gpuLayers,
  });
  if (note !== undefined && model.gpuLayers === 0 && asked !== "auto") {
    throw new EngineFailure(
      "out-of-memory",
      `${note} Choose a smaller model, or \`auto\` or \`off\` (\`--gpu\`, in VS Code the setting lacuna.gpu).`,
    );
  }
  return note && `${note} ${model.gpuLayers === 0 ? "It runs" : "The others run"} on the CPU.`;
}

/** A card is there, whatever can be done with it. */
function hasNvidia(): boolean {
  const signs: Partial<Record<NodeJS.Platform, readonly string[]>> = {
    linux: ["/proc/driver/nvidia/version", "/dev/nvidiactl"],
    win32: [path.join(process.env.WINDIR ?? "C:\\Windows", "System32", "nvml.dll")],
  };
  return (signs[process.platform] ?? []).some((file) => existsSync(file));
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
