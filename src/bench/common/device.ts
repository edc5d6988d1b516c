import type { Gpu } from "../../engine/gpu";
import { startLlama } from "../../engine/llama";

/** What runs the model of a bench. */
export interface Device {
  /** Never `auto`: one and the same for everything that is measured. */
  readonly gpu: Exclude<Gpu, "auto">;
  /** For people, and to tell rows apart: `cuda, NVIDIA H200`; absent: the CPU. */
  readonly name?: string;
}

/**
 * Starts the engine once, before anything is made or measured.
 * @throws EngineFailure where the GPU that is asked for by name cannot be used
 */
export async function findDevice(gpu: Gpu, threads: number, start = startLlama): Promise<Device> {
  if (gpu === false) {
    return { gpu };
  }
  const llama = await start({ gpu, threads }, () => undefined);
  try {
    if (llama.gpu === false) {
      return { gpu: false };
    }
    return { gpu: llama.gpu, name: [llama.gpu, ...(await llama.getGpuDeviceNames())].join(", ") };
  } finally {
    await llama.dispose();
  }
}
