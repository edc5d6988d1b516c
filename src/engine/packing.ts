import type { Selection } from "../sparsity/mask";
import { throwIfAborted } from "./abort";
import type { DocumentContext } from "./document";
import type { Gate } from "./gate";
import { makePlanes } from "./native";
import type { Session } from "./session";

/** Where background work takes its turns, and how it ends and tells of itself. */
export interface Turns {
  readonly gate: Gate;
  readonly signal: AbortSignal;
  /** The share that is done, 0..1. */
  readonly onShare?: (share: number) => void;
}

/** Divides the model's FFN into planes, one layer per turn at the gate; does nothing where it is. */
export async function dividePlanes(session: Session, { gate, signal, onShare }: Turns): Promise<void> {
  const { layerCount } = session.info;
  for (let layer = 0; layer < layerCount; layer++) {
    await gate.run(
      "background",
      () => {
        session.largePages.leaveFfn(); // both at once would be too much
        return makePlanes(session.model, layer, session.threads);
      },
      signal,
    );
    throwIfAborted(signal);
    onShare?.((layer + 1) / layerCount);
  }
}

/**
 * Makes a document decode with a mask. Rows are packed one layer per turn at the gate; completions in between run dense. When it is
 * cancelled or fails, the document is left dense.
 */
export async function applySelection(
  session: Session,
  document: DocumentContext,
  selection: Selection,
  activeRatio: number,
  turns: Turns,
): Promise<void> {
  const { gate, signal } = turns;
  try {
    if (selection.kind === "rows") {
      await packRows(document, selection, activeRatio, turns);
    } else {
      await dividePlanes(session, turns);
      await gate.run(
        "background",
        () => {
          document.choose(selection.layers, activeRatio, session.support!.planes!);
          return Promise.resolve();
        },
        signal,
      );
    }
  } catch (error) {
    await gate.run("background", () => document.unpack(session.info.layerCount));
    throw error;
  }
}

async function packRows(
  document: DocumentContext,
  { layers }: Selection & { readonly kind: "rows" },
  activeRatio: number,
  { gate, signal, onShare }: Turns,
): Promise<void> {
  const packing = document.pack(layers, activeRatio);
  for (;;) {
    const step = await gate.run("background", () => packing.next(), signal);
    if (step.done === true) {
      return;
    }
    onShare?.((step.value + 1) / layers.length);
    throwIfAborted(signal);
  }
}
