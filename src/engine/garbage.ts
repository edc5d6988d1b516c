import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A heap that has grown by less is left to V8. */
const WORTH_BYTES = 8 * 2 ** 20;

/**
 * Collects JavaScript's garbage when nobody waits. V8 does so only as more memory is asked for: after a model's vocabulary has been read, 50 MiB would
 * stay with a process that then asks for little.
 */
export class Garbage {
  private lastBytes = 0;

  /**
   * @param run the collector
   * @param heapBytes what the heap occupies
   */
  constructor(
    private readonly run = collector(),
    private readonly heapBytes = () => process.memoryUsage().heapTotal,
  ) {}

  /** Nothing where the heap is about as large as it was after the last time. */
  collect(): void {
    if (this.heapBytes() - this.lastBytes >= WORTH_BYTES) {
      this.run();
      this.lastBytes = this.heapBytes();
    }
  }
}

/** Node has no other way to V8's collector than a flag, which a context that is made later takes notice of. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("globalThis.gc") as (() => void) | undefined;
  setFlagsFromString("--no-expose-gc");
  return () => gc?.();
}
