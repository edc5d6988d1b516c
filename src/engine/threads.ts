/** A core decodes about this many bytes of weights in the time that threads take to wait for each other in every operation. */
const BYTES_FOR_SECOND_THREAD = 64 * 2 ** 20;

/**
 * The threads that a model of this size gains from, out of those that it may use: a small one runs on a single core, is
 * no slower there, and is not held up when another program wants the other cores (measured: 7 M parameters, Q8_0,
 * 0.34 ms per token on one thread and 0.40 on two; 0.5 and 25 beside one busy process).
 */
export function usefulThreads(fileBytes: number, allowed: number): number {
  return fileBytes < BYTES_FOR_SECOND_THREAD ? 1 : allowed;
}
