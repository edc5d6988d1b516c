import { decodeMask, encodeMask } from "./maskFormat";
import type { Mask } from "./mask";
import { similarity } from "./similarity";

/** The few file operations that the store needs; every one may reject. */
export interface StoreFs {
  /** Files of the store's folder (created when missing). */
  list(): Promise<readonly { readonly name: string; readonly bytes: number; readonly usedAt: number }[]>;
  read(name: string): Promise<Uint8Array>;
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Atomic: a reader sees the old file or the new one. */
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Marks the file as used now. */
  touch(name: string): Promise<void>;
}

export interface StoreLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

export interface Found {
  readonly mask: Mask;
  readonly bytes: Uint8Array;
  /** Estimated share of content that the file still has in common with what the mask was made from, 0..1. */
  readonly similarity: number;
}

const SUFFIX = ".mask";

/**
 * Masks remembered per model and file, least recently used evicted first. The folder itself is the index, so several
 * windows may share it and a crash leaves at worst an orphaned temporary file, which the next eviction removes.
 * Nothing throws: what goes wrong is told to `warn` in one sentence, and the caller goes on without the mask.
 */
export class MaskStore {
  constructor(
    private readonly fs: StoreFs,
    private readonly limits: StoreLimits,
    private readonly warn: (message: string) => void,
    private readonly uniqueSuffix: () => string = () => Math.random().toString(36).slice(2),
  ) {}

  /** @param contentSketch of the file as it is now */
  async get(modelFingerprint: string, path: string, contentSketch: Uint32Array): Promise<Found | undefined> {
    const name = fileName(modelFingerprint, path);
    let bytes: Uint8Array;
    try {
      bytes = await this.fs.read(name);
    } catch {
      return undefined; // nothing remembered
    }
    const decoded = decodeMask(bytes);
    if (!decoded.ok) {
      this.warn(decoded.warning);
      await this.fs.remove(name).catch(() => undefined);
      return undefined;
    }
    if (decoded.mask.modelFingerprint !== modelFingerprint) {
      return undefined; // another model whose name hashes alike
    }
    await this.fs.touch(name).catch(() => undefined);
    return { mask: decoded.mask, bytes, similarity: similarity(decoded.mask.sketch, contentSketch) };
  }

  /** Resolves to false, after a warning, when the mask could not be stored. */
  async put(path: string, mask: Mask): Promise<boolean> {
    const name = fileName(mask.modelFingerprint, path);
    const temporary = `${name}.${this.uniqueSuffix()}.tmp`;
    try {
      await this.fs.write(temporary, encodeMask(mask));
      await this.fs.rename(temporary, name);
    } catch (error) {
      await this.fs.remove(temporary).catch(() => undefined);
      this.warn(`The mask of ${path} could not be remembered: ${reason(error)}.`);
      return false;
    }
    await this.evict(name);
    return true;
  }

  private async evict(justWritten: string): Promise<void> {
    try {
      const files = [...(await this.fs.list())].sort((a, b) => b.usedAt - a.usedAt);
      const now = files.reduce((latest, file) => Math.max(latest, file.usedAt), 0);
      let count = 0;
      let bytes = 0;
      for (const file of files) {
        const orphan = file.name.endsWith(".tmp") && now - file.usedAt > ORPHAN_AFTER_MS;
        if (file.name.endsWith(SUFFIX)) {
          count++;
          bytes += file.bytes;
        }
        const excess =
          file.name.endsWith(SUFFIX) && (count > this.limits.maxFiles || bytes > this.limits.maxBytes);
        if (orphan || (excess && file.name !== justWritten)) {
          await this.fs.remove(file.name).catch(() => undefined);
          if (excess) {
            count--;
            bytes -= file.bytes;
          }
        }
      }
    } catch (error) {
      this.warn(`The store of remembered masks could not be tidied: ${reason(error)}.`);
    }
  }
}

/** Another window may be writing its temporary file right now. */
const ORPHAN_AFTER_MS = 10 * 60 * 1000;

/** 64-bit FNV-1a: paths must not appear in file names, whose length and characters are limited. */
function fileName(modelFingerprint: string, path: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(`${modelFingerprint}\0${path}`)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0") + SUFFIX;
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
