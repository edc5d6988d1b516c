import type { LoadModel } from "./protocol";

export type Gpu = LoadModel["gpu"];
export type NamedGpu = Exclude<Gpu, "auto" | false>;

/** Why a GPU that was asked for by name is not used. */
export type GpuProblem =
  | { readonly kind: "not-here"; readonly system: string }
  | { readonly kind: "no-binary"; readonly has: readonly string[]; readonly fromSources?: boolean }
  | { readonly kind: "no-driver"; readonly library: string }
  | { readonly kind: "missing-library"; readonly library: string }
  | { readonly kind: "no-device" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "another"; readonly got: string };

/** Where to look, as the process sees it. */
export interface GpuPlace {
  readonly platform: string;
  readonly arch: string;
  /** Names of those that hold binaries, such as `linux-x64` or `linux-x64-cuda`. */
  readonly folders: readonly string[];
  /** Lacuna runs where it is built, and not from a package. */
  readonly fromSources?: boolean;
  /** Loads the folder's binary and returns the GPU that it finds; throws what the system's linker or the GPU's library says. */
  load(folder: string): string | false | undefined;
}

const NAMES: Readonly<Record<NamedGpu, string>> = { cuda: "CUDA", metal: "Metal", vulkan: "Vulkan" };
const SYSTEMS: Readonly<Record<string, string>> = { linux: "Linux", darwin: "macOS", win32: "Windows" };
const FOLDERS: Readonly<Record<string, string>> = { linux: "linux", darwin: "mac", win32: "win" };

/** What comes with the GPU's driver rather than with a toolkit. */
const OF_DRIVER = /^(libcuda\.so|nvcuda\.dll|libnvidia-|libvulkan\.|vulkan-1\.dll)/i;

const DRIVERS: Readonly<Record<NamedGpu, string>> = {
  cuda: "install NVIDIA's driver",
  vulkan: "install the driver of the graphics card and the Vulkan loader",
  metal: "update macOS",
};

/** node-llama-cpp takes another one than it was asked for where a platform has none of that name, without a word. */
const isFor = (gpu: NamedGpu, { platform, arch }: Pick<GpuPlace, "platform" | "arch">): boolean =>
  platform === "darwin" ? gpu === "metal" && arch === "arm64" : gpu !== "metal";

/** Of a GPU's binaries, or of the CPU's. */
export function gpuFolder(gpu: Gpu, { platform, arch }: Pick<GpuPlace, "platform" | "arch">): string {
  const parts = [FOLDERS[platform] ?? platform, arch, ...(gpu === false || gpu === "auto" ? [] : [gpu])];
  return parts.join("-");
}

/** @param folders see {@link GpuPlace} */
export const hasGpuBinary = (folders: readonly string[]): boolean =>
  folders.some((name) => gpuOf(name) !== "cpu");

/** What can be known before anything is loaded. */
export function gpuProblemBefore(gpu: NamedGpu, place: Omit<GpuPlace, "load">): GpuProblem | undefined {
  if (!isFor(gpu, place)) {
    return { kind: "not-here", system: `${SYSTEMS[place.platform] ?? place.platform} ${place.arch}` };
  }
  const own = gpuFolder(false, place);
  return place.folders.includes(gpuFolder(gpu, place))
    ? undefined
    : {
        kind: "no-binary",
        has: place.folders.filter((name) => name.startsWith(own)).map(gpuOf),
        ...(place.fromSources === true ? { fromSources: true } : {}),
      };
}

/** Why the binary for this GPU, which is there, was not taken. Loads it. */
export function gpuProblemOf(gpu: NamedGpu, place: GpuPlace): GpuProblem {
  const before = gpuProblemBefore(gpu, place);
  if (before !== undefined) {
    return before;
  }
  try {
    const got = place.load(gpuFolder(gpu, place));
    return got === gpu || got === false || got === undefined
      ? { kind: "no-device" }
      : { kind: "another", got };
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!.trim();
    const library = missingLibrary(reason);
    if (library === undefined) {
      return { kind: "refused", reason };
    }
    return { kind: OF_DRIVER.test(library) ? "no-driver" : "missing-library", library };
  }
}

/** Undefined: the engine got what it was asked for. */
export function gpuProblemAfter(asked: Gpu, got: string | false): GpuProblem | undefined {
  if (asked === "auto" || asked === got) {
    return undefined;
  }
  return { kind: "another", got: got === false ? "cpu" : got };
}

/** One sentence, or two, that say what to do. */
export function describeGpuProblem(asked: Exclude<Gpu, "auto">, problem: GpuProblem): string {
  const name = asked === false ? "the CPU" : NAMES[asked];
  const otherwise = "choose `auto` or `off` (`--gpu`, in VS Code the setting lacuna.gpu)";
  switch (problem.kind) {
    case "not-here":
      return `There is no ${name} on ${problem.system}: ${otherwise}.`;
    case "no-binary":
      return (
        `This installation of Lacuna has no binary for ${name}` +
        `${problem.has.length === 0 ? "" : `, only for ${problem.has.map(labelOf).join(" and ")}`}: ` +
        (problem.fromSources === true ? `build one (\`npm run build:native -- --gpu ${asked}\`), or ` : "") +
        `${otherwise}.`
      );
    case "no-driver":
      return `${name} needs the driver of a GPU, and this system has none (${problem.library} is missing): ${DRIVERS[asked as NamedGpu]}, or ${otherwise}.`;
    case "missing-library":
      return `${name} needs ${problem.library}, which this system does not have: install ${runtimeOf(asked)}, or ${otherwise}.`;
    case "no-device":
      return `${name} finds no GPU on this system that it can use: look whether there is one and whether its driver runs${asked === "cuda" ? " (`nvidia-smi`)" : ""}, or ${otherwise}.`;
    case "refused":
      return `The binary for ${name} does not load on this system: ${problem.reason.replace(/\.$/, "")}. To go on without, ${otherwise}.`;
    case "another":
      return `The engine was asked for ${name} and came up with ${labelOf(problem.got)}: ${otherwise}, and please report it.`;
  }
}

export interface GpuMemory {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly modelBytes: number;
  /** Layers of the model, the output layer counted, and how many of them fit. */
  readonly layers: number;
  readonly fit: number;
}

/** What the card's memory does to the model; undefined: all of it fits. */
export function describeGpuMemory({
  freeBytes,
  totalBytes,
  modelBytes,
  layers,
  fit,
}: GpuMemory): string | undefined {
  if (fit >= layers) {
    return undefined;
  }
  const room = `the model has ${gib(modelBytes)}, and ${gib(freeBytes)} of the GPU's ${gib(totalBytes)} are free`;
  const count = fit <= 0 ? `none of the model's ${layers} layers fits` : `${fit} of ${layers} layers fit`;
  return `There is not enough memory on the GPU: ${count} (${room}).`;
}

/**
 * With `auto` on the CPU although there is a card: what to say, in one sentence.
 * @param hasNvidia an NVIDIA card is there, whatever can be done with it
 */
export function whyOnCpu(
  place: Pick<GpuPlace, "platform" | "arch" | "folders">,
  hasNvidia: boolean,
): string | undefined {
  if (!hasNvidia || !isFor("cuda", place)) {
    return undefined;
  }
  return gpuProblemBefore("cuda", place) === undefined
    ? "There is an NVIDIA GPU that cannot be used, so that the model runs on the CPU: `cuda` instead of `auto` says why."
    : "There is an NVIDIA GPU, but this installation of Lacuna has no binary for CUDA, so that the model runs on the CPU.";
}

/** What the system's linker names: glibc's, musl's and macOS's; Windows names none. */
function missingLibrary(reason: string): string | undefined {
  const named =
    /(\S+): cannot open shared object file/.exec(reason) ??
    /Error loading shared library (\S+?):/.exec(reason) ??
    /Library not loaded: (\S+)/.exec(reason);
  if (named !== null) {
    return named[1]!.replace(/^.*[\\/]/, "");
  }
  return /specified module could not be found/i.test(reason) ? "a library of the GPU's runtime" : undefined;
}

const runtimeOf = (gpu: Gpu): string =>
  gpu === "cuda" ? "NVIDIA's CUDA runtime with cuBLAS" : "the package that has it";

const gpuOf = (folder: string): string => folder.split("-")[2] ?? "cpu";

const labelOf = (gpu: string): string =>
  gpu === "cpu" ? "the CPU" : ((NAMES as Readonly<Record<string, string | undefined>>)[gpu] ?? gpu);

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
