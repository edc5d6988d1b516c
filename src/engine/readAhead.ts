import { open } from "node:fs/promises";
import type { ModelHeader } from "../models/parts";

const PIECE_BYTES = 4 * 2 ** 20;

/**
 * Reads a model's files once, so that the system has them in memory when they are mapped: llama.cpp waits for the disk without telling how far it is. Does
 * nothing where they do not fit into memory. What cannot be read is left to who needs it.
 * @param onRead gets the share of all bytes that has been read, after each piece
 * @param available bytes that the system can give away
 */
export async function readAhead(
  {
    parts,
    fileBytes,
  }: Pick<ModelHeader, "fileBytes"> & { readonly parts: readonly { readonly path: string }[] },
  onRead: (share: number) => void,
  signal: AbortSignal,
  available = process.availableMemory(),
): Promise<void> {
  if (fileBytes > available) {
    return;
  }
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let done = 0;
  for (const { path } of parts) {
    const file = await open(path).catch(() => undefined);
    try {
      for (let read = 1; file !== undefined && read > 0 && !signal.aborted;) {
        read = (await file.read(piece, 0, PIECE_BYTES)).bytesRead;
        done += read;
        onRead(done / fileBytes);
      }
    } catch {
      // llama.cpp will say what is wrong with it
    } finally {
      await file?.close();
    }
  }
}
