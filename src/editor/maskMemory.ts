import { readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeFolder } from "../files/makeFolder";
import { decodeMask } from "../sparsity/maskFormat";
import { MaskStore, type StoreFs } from "../sparsity/maskStore";
import { sketch } from "../sparsity/similarity";
import type { Log } from "./log";

const LIMITS = { maxFiles: 500, maxBytes: 64 * 2 ** 20 };
/** A file that has less than this in common with its former self gets a new mask. */
const SIMILAR_ENOUGH = 0.5;

export interface Wanted {
  readonly modelFingerprint: string;
  /** The document's URI. */
  readonly document: string;
  readonly text: string;
  readonly metric: string;
  /** `auto`: any ratio. */
  readonly sparsity: "auto" | number;
}

/** Masks remembered in global storage, shared by all windows. Never throws; what goes wrong is logged once per message. */
export class MaskMemory {
  private readonly store: MaskStore;
  private readonly told = new Set<string>();

  constructor(folder: string, log: Pick<Log, "write">) {
    this.store = new MaskStore(folderFs(folder), LIMITS, (message) => {
      if (!this.told.has(message)) {
        this.told.add(message);
        log.write("warn", message);
      }
    });
  }

  /** The serialised mask for this document if it is still similar enough and of the asked kind. */
  async recall(wanted: Wanted): Promise<Uint8Array | undefined> {
    const found = await this.store.get(wanted.modelFingerprint, wanted.document, sketch(wanted.text));
    if (found === undefined || found.similarity < SIMILAR_ENOUGH || found.mask.metric !== wanted.metric) {
      return undefined;
    }
    const fits = wanted.sparsity === "auto" || Math.abs(found.mask.activeRatio - wanted.sparsity) < 0.02;
    return fits ? found.bytes : undefined;
  }

  /** Remembers a mask as the engine has made it, for the text that it was made from. */
  async remember(document: string, text: string, bytes: Uint8Array): Promise<void> {
    const decoded = decodeMask(bytes);
    if (decoded.ok) {
      await this.store.put(document, { ...decoded.mask, sketch: sketch(text) });
    }
  }
}

function folderFs(folder: string): StoreFs {
  const at = (name: string): string => path.join(folder, name);
  return {
    async list() {
      const names = await readdir(folder);
      const files = await Promise.all(
        names.map(async (name) => {
          const info = await stat(at(name)).catch(() => undefined); // another window may have removed it
          return info?.isFile() ? { name, bytes: info.size, usedAt: info.mtimeMs } : undefined;
        }),
      );
      return files.filter((file) => file !== undefined);
    },
    read: (name) => readFile(at(name)),
    async write(name, bytes) {
      await makeFolder(folder);
      await writeFile(at(name), bytes);
    },
    rename: (from, to) => rename(at(from), at(to)),
    remove: (name) => rm(at(name), { force: true }),
    async touch(name) {
      const now = new Date();
      await utimes(at(name), now, now);
    },
  };
}
