import type { Gpu } from "../engine/gpu";
import type { Arguments, OptionSpec } from "./command";
import { UsageError } from "./errors";

const CHOICES = ["auto", "cuda", "metal", "vulkan"] as const;

/** `--gpu` of a command for which speed or room is all that a GPU changes. */
export const GPU_OPTION: Readonly<Record<"gpu", OptionSpec>> = {
  gpu: {
    value: "GPU",
    help: "`auto` (default): one that works, or the CPU; `cuda`, `metal`, `vulkan`: this one or an error; `off`: the CPU",
  },
};

/** Of a bench. */
export const BENCH_GPU_OPTION: Readonly<Record<"gpu", OptionSpec>> = {
  gpu: {
    value: "GPU",
    help: "`off` (default, so that figures compare), `auto`, `cuda`, `metal` or `vulkan`",
  },
};

/**
 * Of a bench that may have a llama-server beside it.
 * @throws {@link UsageError} where only one of both would run on a GPU
 */
export function chooseBenchGpu(args: Pick<Arguments, "text">, server: string | undefined): Gpu {
  const gpu = chooseGpu(args, "off");
  if (gpu !== false && server !== undefined) {
    throw new UsageError("llama-server is measured on the CPU: name --server none with a --gpu.");
  }
  return gpu;
}

/** @throws {@link UsageError} for another word */
export function chooseGpu(args: Pick<Arguments, "text">, fallback: "auto" | "off"): Gpu {
  const word = args.text("gpu") ?? fallback;
  if (word === "off") {
    return false;
  }
  const gpu = CHOICES.find((choice) => choice === word);
  if (gpu === undefined) {
    throw new UsageError(`--gpu must be one of ${[...CHOICES, "off"].join(", ")}, not ${word}.`);
  }
  return gpu;
}
