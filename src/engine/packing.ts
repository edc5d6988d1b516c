import type { LayerMask } from "../sparsity/mask";
import { throwIfAborted } from "./abort";
import type { DocumentContext } from "./document";
import type { Gate } from "./gate";

/**
 * Packs a mask's rows, one layer per turn at the gate; completions in between run dense. When it is cancelled or
 * fails, the document is left dense.
 */
export async function packRows(
  document: DocumentContext,
  layers: readonly LayerMask[],
  activeRatio: number,
  gate: Gate,
  signal: AbortSignal,
  onShare: (share: number) => void = () => undefined,
): Promise<void> {
  const packing = document.pack(layers, activeRatio);
  try {
    for (;;) {
      const step = await gate.run("background", () => packing.next(), signal);
      if (step.done === true) {
        return;
      }
      onShare((step.value + 1) / layers.length);
      throwIfAborted(signal);
    }
  } catch (error) {
    await gate.run("background", () => document.unpack(layers.length));
    throw error;
  }
}
