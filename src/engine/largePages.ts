import type { LlamaModel } from "node-llama-cpp";
import type { Gate } from "./gate";
import { largePageBytes, leaveLargePages, moveToLargePages, type WeightPart } from "./native";

/** Copied in one turn at the gate: a completion waits for no more. */
const PIECE_BYTES = 16 * 2 ** 20;

/** Of the model's file that has to be free: the copy, and as much for everybody else. */
const ROOM = 2;

export interface LargePagesOptions {
  readonly model: LlamaModel;
  readonly threads: number;
  readonly fileBytes: number;
  /** Whether tokens read the FFN as the file has it. */
  readonly readsFfn: () => boolean;
  /** Bytes that the system can give away. */
  readonly available?: () => number;
}

/**
 * Moves the weights that every token reads into large pages, in idle time: decoding waits for the translation of addresses otherwise. A copy
 * takes the place of what is mapped, so that as much is resident as before; it cannot be read again from the file, so it is made only where
 * memory is plenty.
 */
export class LargePages {
  private settling: Promise<void> = Promise.resolve();
  private disposed = false;

  constructor(private readonly options: LargePagesOptions) {}

  /** Bytes that have been moved. */
  get bytes(): number {
    return this.disposed ? 0 : largePageBytes(this.options.model);
  }

  /** Resolves when all that is read for every token is there; each piece is one turn at the gate. */
  settle(gate: Gate): Promise<void> {
    this.settling = this.settling.then(() => this.move(gate));
    return this.settling;
  }

  private async move(gate: Gate): Promise<void> {
    const { model, threads, readsFfn } = this.options;
    const piece = (part: WeightPart) => (): Promise<number> =>
      this.disposed || (part === "ffn" && !readsFfn())
        ? Promise.resolve(0)
        : moveToLargePages(model, part, { maxBytes: PIECE_BYTES, threads });
    for (const part of ["others", "ffn"] as const) {
      while (this.hasRoom() && (await gate.run("background", piece(part))) > 0);
    }
  }

  private hasRoom(): boolean {
    const { fileBytes, available = availableMemory } = this.options;
    return this.bytes > 0 || available() >= ROOM * fileBytes;
  }

  /** The FFN is read as the file maps it, or not at all; for whoever has the turn at the gate. */
  leaveFfn(): void {
    leaveLargePages(this.options.model, "ffn");
  }

  /** Before the model is. */
  dispose(): void {
    if (!this.disposed) {
      this.disposed = true;
      leaveLargePages(this.options.model, "ffn");
      leaveLargePages(this.options.model, "others");
    }
  }
}

const availableMemory = (): number => process.availableMemory();
