import { stat } from "node:fs/promises";
import path from "node:path";
import { readGguf } from "../gguf";
import { splitOf } from "../parts";
import { fileName, parseAddress, proposedName } from "./address";
import { DownloadError, statusProblem } from "./errors";
import { hashFile, ModelFolder } from "./folder";
import { Http, type HttpOptions } from "./http";
import { Hub, requireOne, type Source } from "./hub";
import { Transfer, WAITS, type Progress } from "./transfer";

/** What is to be downloaded. */
export interface Wanted {
  /** See `address.ts`. */
  readonly address: string;
  /** If they are known: they win over what a server says. */
  readonly bytes?: number | undefined;
  readonly sha256?: string | undefined;
}

export interface DownloaderOptions extends Partial<HttpOptions> {
  readonly folder: string;
  readonly mirror?: string | undefined;
  readonly token?: string | undefined;
  /** See {@link WAITS}. */
  readonly waits?: readonly number[];
}

export interface Downloaded {
  /** Of the file to load: the first of a split model. */
  readonly path: string;
  /** Of all parts. */
  readonly bytes: number;
  readonly sha256: string;
  /** False: nobody said beforehand which hash the file has. */
  readonly verified: boolean;
  /** It was there already. */
  readonly again: boolean;
}

const STALL_MS = 30_000;

/**
 * Downloads models into a folder: continued where it stopped, checked before a file gets its name, one at a time for each name.
 *
 * Not node-llama-cpp's downloader: it repeats a request that fails 150 times, so that no address and no server's trouble is told
 * within minutes, waits for ever for a server that falls silent, takes up a lost connection from the last 5 MiB that were whole, checks
 * no hash, and would load all of node-llama-cpp into the editor's process.
 */
export class Downloader {
  private readonly folder: ModelFolder;
  private readonly http: Http;
  private readonly hub: Hub;
  private readonly running = new Map<string, Promise<Downloaded>>();

  constructor(private readonly options: DownloaderOptions) {
    this.folder = new ModelFolder(options.folder);
    this.http = new Http({
      stallMs: options.stallMs ?? STALL_MS,
      ...(options.agent === undefined ? {} : { agent: options.agent }),
    });
    this.hub = new Hub({ http: this.http, mirror: options.mirror, token: options.token });
  }

  /** Throws a {@link DownloadError}, or the signal's reason. A second call for the same address waits for the first. */
  async get(
    wanted: Wanted,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ): Promise<Downloaded> {
    const going = this.running.get(wanted.address);
    if (going !== undefined) {
      return going;
    }
    const work = this.start(wanted, signal, onProgress).finally(() => this.running.delete(wanted.address));
    this.running.set(wanted.address, work);
    return work;
  }

  /** Waits until the disk has what was downloaded, which {@link get} does not. */
  async settle(): Promise<void> {
    await this.folder.settle(true);
  }

  private async start(
    wanted: Wanted,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ): Promise<Downloaded> {
    const address = parseAddress(wanted.address);
    await this.folder.create();
    onProgress({ phase: "connecting", received: 0, total: wanted.bytes, rate: 0 });
    const sources = await this.hub.resolve(address, signal);
    requireOne(sources, wanted.sha256);
    const known = (source: Source): Source =>
      sources.length === 1
        ? { ...source, bytes: wanted.bytes ?? source.bytes, sha256: wanted.sha256 ?? source.sha256 }
        : source;
    const done: Downloaded[] = [];
    const sum = (): number => done.reduce((bytes, part) => bytes + part.bytes, 0);
    for (const source of sources.map(known)) {
      done.push(
        await this.one(source, signal, (progress) =>
          onProgress(
            sources.length === 1
              ? progress
              : { ...progress, received: sum() + progress.received, total: wanted.bytes },
          ),
        ),
      );
      if (done.length === 1 && !isPart(done[0]!.path, sources.length)) {
        break; // a model of its own, that only happens to have such a name
      }
    }
    const [first] = done;
    return {
      ...first!,
      bytes: sum(),
      verified: done.every(({ verified }) => verified),
      again: done.every(({ again }) => again),
    };
  }

  private async one(
    source: Source,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ): Promise<Downloaded> {
    const name = source.name ?? (await this.askName(source, signal));
    return this.folder.exclusively(name, async () => {
      const there = await this.isThere(name, source, signal, onProgress);
      if (there !== undefined) {
        return there;
      }
      const transfer = new Transfer(
        this.http,
        {
          ...{ url: source.url, bytes: source.bytes, sha256: source.sha256, terms: source.terms },
          ...{ name, partFile: this.folder.partFile(name), signal, onProgress },
          headers: this.hub.headers(source.url),
        },
        this.options.waits ?? WAITS,
      );
      const { bytes, sha256, verified } = await transfer.run();
      const file = await this.folder.adopt(name, { address: source.address, bytes, sha256, verified });
      return { path: file, bytes, sha256, verified, again: false };
    });
  }

  /** The same file under the same name is not fetched again; another one is not replaced. */
  private async isThere(
    name: string,
    source: Source,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ): Promise<Downloaded | undefined> {
    const file = this.folder.path(name);
    const record = (await this.folder.records()).get(name);
    const info = await stat(file).catch(() => undefined);
    if (info === undefined) {
      return undefined;
    }
    const other = new DownloadError(
      "exists",
      `There is another ${name} in ${path.dirname(file)}. Remove it first, or choose another folder.`,
    );
    if (record === undefined && source.sha256 === undefined) {
      throw other;
    }
    const sha256 = await hashFile(file, signal, (received) =>
      onProgress({ phase: "checking", received, total: info.size, rate: 0 }),
    );
    const same =
      source.sha256 === undefined
        ? record?.address === source.address && record.sha256 === sha256
        : source.sha256 === sha256;
    if (!same) {
      throw other;
    }
    return {
      path: file,
      bytes: info.size,
      sha256,
      verified: source.sha256 !== undefined || record!.verified,
      again: true,
    };
  }

  /** Of an address that names no GGUF file, what the server would call it. */
  private async askName(source: Source, signal: AbortSignal): Promise<string> {
    const answer = await this.http.get(
      source.url,
      this.hub.headers(source.url),
      signal,
      source.sha256 !== undefined,
    );
    answer.body.destroy();
    if (answer.status !== 200) {
      throw statusProblem(answer.status, source.url, source.terms, answer.headers);
    }
    const proposed = proposedName(answer.headers["content-disposition"]);
    if (proposed === undefined) {
      throw new DownloadError(
        "address",
        `${source.url.href} names no GGUF file. Give the address of the file itself.`,
      );
    }
    return fileName(proposed);
  }
}

function isPart(file: string, count: number): boolean {
  const split = splitOf(readGguf(file));
  if (split.count > 1 && split.count !== count) {
    throw new DownloadError(
      "no-model",
      `${path.basename(file)} says that it is one of ${split.count} parts, and its name that it is one of ${count}. Check the address.`,
    );
  }
  return split.count > 1;
}
