import type { LlamaModel } from "node-llama-cpp";
import { throwIfAborted } from "./abort";
import type { Gate } from "./gate";
import { createAttribution, type AttributionOptions, type AttributionResult } from "./native";

/**
 * Runs one attribution to its end. Every step takes its own turn at the gate, so that a completion waits for at most
 * one step; nothing is computed twice.
 */
export async function attribute(
  model: LlamaModel,
  tokens: Int32Array,
  options: AttributionOptions,
  gate: Gate,
  onProgress: (fraction: number) => void,
  signal: AbortSignal | undefined,
): Promise<AttributionResult> {
  const job = createAttribution(model, tokens, options);
  try {
    for (;;) {
      const progress = await gate.run("background", () => job.step(), signal);
      throwIfAborted(signal);
      onProgress(progress.fraction);
      if (progress.phase === "done") {
        return job.result();
      }
    }
  } finally {
    job.dispose();
  }
}
