import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { makeFolder } from "../files/makeFolder";

/** Changes when files of an earlier version can no longer be read. */
const VERSION = 1;

export interface StateLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

const LIMITS: StateLimits = { maxFiles: 8, maxBytes: 256 * 2 ** 20 };

/** A file that is being written is touched more often than this; one that is not was left by a process that was killed. */
const ABANDONED_MS = 10 * 60_000;

/** What is known of a state file without reading it. */
interface Entry {
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * KV states of documents on disk, so that a file that is opened again need not be evaluated again. Bounded, the ones not used for
 * longest go first. A file is used only when it is, byte for byte, what was written for the same model, context and llama.cpp; native
 * code would believe anything. Nothing here throws: a state that cannot be kept or found is not there.
 */
export class StateStore {
  /**
   * @param directory made when it is needed, readable by its owner only
   * @param use what a state depends on besides its document: model, size of the context, llama.cpp's release
   */
  constructor(
    private readonly directory: string,
    private readonly use: string,
    private readonly limits: StateLimits = LIMITS,
  ) {}

  /** Keeps what `write` writes into the file that it is given. Resolves to its bytes, undefined when it was not kept. */
  async put(document: string, write: (file: string) => Promise<void>): Promise<number | undefined> {
    const { state, about } = this.files(document);
    const fresh = `${state}.${process.pid}`;
    try {
      await makeFolder(this.directory, { mode: 0o700 });
      await this.sweep();
      await write(fresh);
      await chmod(fresh, 0o600);
      const { size: bytes } = await stat(fresh);
      if (bytes > this.limits.maxBytes) {
        return undefined;
      }
      const entry: Entry = { version: VERSION, bytes, sha256: await hashOf(fresh) };
      await rename(fresh, state);
      await writeFile(about, JSON.stringify(entry), { mode: 0o600 });
      await this.prune();
      return bytes;
    } catch {
      return undefined;
    } finally {
      await rm(fresh, { force: true }).catch(() => undefined);
    }
  }

  /** The state file of a document, if there is a good one; one that is not is removed. */
  async find(document: string): Promise<string | undefined> {
    const { state, about } = this.files(document);
    try {
      const entry = JSON.parse(await readFile(about, "utf8")) as Entry;
      const { size } = await stat(state);
      if (entry.version === VERSION && entry.bytes === size && entry.sha256 === (await hashOf(state))) {
        const now = new Date();
        await utimes(state, now, now);
        return state;
      }
    } catch {
      // not there, or not readable: the same as damaged
    }
    await this.forget(document);
    return undefined;
  }

  async forget(document: string): Promise<void> {
    const { state, about } = this.files(document);
    await Promise.all([state, about].map((file) => rm(file, { force: true }).catch(() => undefined)));
  }

  private files(document: string): { readonly state: string; readonly about: string } {
    // A hash: paths are private, and longer than file names may be.
    const name = createHash("sha256").update(`${this.use}\n${document}`).digest("hex").slice(0, 32);
    const state = path.join(this.directory, `${name}.state`);
    return { state, about: `${state}.json` };
  }

  /** Removes what processes that were killed while they wrote have left. */
  private async sweep(): Promise<void> {
    const before = Date.now() - ABANDONED_MS;
    for (const { file, mtimeMs } of await this.list(/^[0-9a-f]{32}\.state\.\d+$/)) {
      if (mtimeMs < before) {
        await rm(file, { force: true });
      }
    }
  }

  private async prune(): Promise<void> {
    const files = await this.list(/\.state$/);
    files.sort((a, b) => b.mtimeMs - a.mtimeMs);
    let bytes = 0;
    for (const [index, { file, size }] of files.entries()) {
      bytes += size;
      if (index >= this.limits.maxFiles || bytes > this.limits.maxBytes) {
        await rm(file, { force: true });
        await rm(`${file}.json`, { force: true });
      }
    }
  }

  /** Files whose name matches; one that another process removes meanwhile is left out. */
  private async list(pattern: RegExp): Promise<{ file: string; size: number; mtimeMs: number }[]> {
    const names = (await readdir(this.directory)).filter((name) => pattern.test(name));
    const files = await Promise.all(
      names.map(async (name) => {
        const file = path.join(this.directory, name);
        const info = await stat(file).catch(() => undefined);
        return info === undefined ? [] : [{ file, size: info.size, mtimeMs: info.mtimeMs }];
      }),
    );
    return files.flat();
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest("hex");
}
