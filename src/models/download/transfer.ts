import { open, readFile, rm, stat, statfs, writeFile, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  connectionProblem,
  DownloadError,
  fileProblem,
  size,
  statusProblem,
  type DownloadProblem,
} from "./errors";
import { FollowingHash } from "./followingHash";
import type { Answer, Http } from "./http";
import { parseContentRange, hashOf, lengthOf, sizeOf, validatorOf } from "./headers";

export interface Progress {
  readonly phase: "connecting" | "downloading" | "checking";
  readonly received: number;
  /** Undefined while the server has not said. */
  readonly total: number | undefined;
  /** Bytes per second over the last seconds. */
  readonly rate: number;
  /** Of a connection that is made again: what happened to the one before. */
  readonly problem?: string;
}

export interface TransferRequest {
  readonly url: URL;
  /** What is written until everything is there and right; beside it, a file ending in `.json` says what it is a part of. */
  readonly partFile: string;
  /** For messages. */
  readonly name: string;
  /** Undefined: not known beforehand. */
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  readonly terms: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export interface TransferResult {
  readonly bytes: number;
  readonly sha256: string;
  /** The hash was known beforehand, or the server told it. */
  readonly verified: boolean;
}

/** Waits in milliseconds before each attempt after one that brought nothing; as many attempts as there are waits. */
export const WAITS: readonly number[] = [500, 1_000, 2_000, 4_000, 8_000];

/** A server that wants longer than this is left alone. */
const MAX_RETRY_AFTER_S = 10;
const BATCH = 1 << 20;
/** Bytes that are asked for once more where nothing else would tell the rest of another file. */
const OVERLAP = 1 << 16;
/** So many connections that end at the same byte are no accident. */
const SAME_ENDS = 3;
/** Attempts at a server from which nothing has come yet. */
const FIRST_ATTEMPTS = 3;
/** Kept free on the disk, besides the file. */
const SPARE = 64 << 20;

/** What a part file is a part of. */
interface PartRecord {
  readonly url: string;
  /** A strong entity tag: with it, a server continues only the file that was begun. */
  readonly validator: string | undefined;
  readonly total: number | undefined;
  readonly sha256: string | undefined;
}

/**
 * Brings one file into `partFile`, from where an earlier attempt stopped, in this process or another; checks its size and hash.
 * A connection that is lost or silent is taken up again; throws a {@link DownloadError} when that does not help. The part file stays
 * for the next time, unless its contents are wrong.
 */
export class Transfer {
  private readonly hash: FollowingHash;
  /** Bytes of the part file that are good. */
  private have = 0;
  private record: PartRecord;
  /** Where the last connection ended, and how many before it have ended there in a row. */
  private ended = { at: 0, times: 0 };
  /** False once the server has sent the whole instead of the rest. */
  private continues = true;
  private readonly meter = new Meter();

  constructor(
    private readonly http: Http,
    private readonly request: TransferRequest,
    private readonly waits: readonly number[] = WAITS,
    private readonly openFile: (file: string, flags: string) => Promise<FileHandle> = open,
  ) {
    this.record = { url: request.url.href, validator: undefined, total: undefined, sha256: request.sha256 };
    this.hash = new FollowingHash(request.partFile);
  }

  async run(): Promise<TransferResult> {
    try {
      return await this.attempts();
    } finally {
      await this.hash.dispose();
    }
  }

  private async attempts(): Promise<TransferResult> {
    await this.takeUp();
    this.report("connecting");
    for (let failures = 0; ;) {
      const before = this.have;
      try {
        await this.attempt();
        return await this.check();
      } catch (error) {
        this.request.signal.throwIfAborted();
        const problem = error as DownloadError;
        if (NOT_KEPT.has(problem.kind)) {
          await this.startOver();
        }
        failures = this.have > before ? 0 : failures;
        // An address that was never reached is told at once: nobody waits half a minute to hear that the cable is out.
        const wait = this.isWorthAnother(problem, before, failures) ? this.waits[failures] : undefined;
        if (wait === undefined) {
          throw problem.kind === "interrupted" ? this.gaveUp(problem) : problem;
        }
        failures++;
        this.report("connecting", problem.message);
        await sleep(Math.max(wait, 1_000 * (problem.retryAfter ?? 0)), undefined, {
          signal: this.request.signal,
        });
      }
    }
  }

  private isWorthAnother(problem: DownloadError, before: number, failures: number): boolean {
    switch (problem.kind) {
      case "interrupted":
        return this.have > 0 || before > 0 || failures + 1 < FIRST_ATTEMPTS;
      case "offline":
        return this.have > 0 || before > 0;
      case "busy-server":
      case "server":
        return (problem.retryAfter ?? 0) <= MAX_RETRY_AFTER_S;
      case "changed":
        return true;
      default:
        return false;
    }
  }

  private gaveUp({ message }: DownloadError): DownloadError {
    const { total } = this.record;
    const { name, url } = this.request;
    const what =
      this.ended.times >= SAME_ENDS && total !== undefined
        ? `${url.host} promises ${total} bytes of ${name} and ends each time after ${this.ended.at}.`
        : message;
    if (this.have === 0) {
      return new DownloadError("interrupted", what);
    }
    const of = total === undefined ? "" : ` of ${size(total)}`;
    const next = this.continues
      ? `${size(this.have)}${of} of ${name} are here and kept: the same download goes on from there.`
      : "It cannot continue a download, so the next one begins anew.";
    return new DownloadError("interrupted", `${what} ${next}`);
  }

  /** Begins with what an earlier attempt left, if it was the same file's. */
  private async takeUp(): Promise<void> {
    const { partFile, url, sha256, bytes } = this.request;
    const record = await readRecord(partFile);
    const same =
      record !== undefined &&
      (record.url === url.href || (sha256 !== undefined && record.sha256 === sha256)) &&
      (sha256 === undefined || record.sha256 === undefined || record.sha256 === sha256) &&
      (bytes === undefined || record.total === undefined || record.total === bytes);
    const there = same ? ((await stat(partFile).catch(() => undefined))?.size ?? 0) : 0;
    if (there === 0) {
      return this.startOver();
    }
    this.record = { ...record!, url: url.href, sha256: sha256 ?? record!.sha256 };
    this.have = there;
    this.hash.written(there);
  }

  private async startOver(): Promise<void> {
    this.hash.restart();
    this.meter.restart();
    this.have = 0;
    this.record = {
      url: this.request.url.href,
      validator: undefined,
      total: undefined,
      sha256: this.request.sha256,
    };
    await rm(this.request.partFile, { force: true }).catch(() => undefined);
    await rm(recordFile(this.request.partFile), { force: true }).catch(() => undefined);
  }

  /** One connection, until its end. */
  private async attempt(): Promise<void> {
    const { url, headers, signal, sha256, terms } = this.request;
    const { validator } = this.record;
    const again =
      validator === undefined && this.record.sha256 === undefined ? Math.min(OVERLAP, this.have) : 0;
    if (this.record.total !== undefined && this.have === this.record.total) {
      return;
    }
    const range: Record<string, string> = this.have === 0 ? {} : { range: `bytes=${this.have - again}-` };
    // Where the hash is known it tells another file; tags may differ from one of a hub's servers to the next.
    if (this.have > 0 && validator !== undefined && this.record.sha256 === undefined) {
      range["if-range"] = validator;
    }
    const answer = await this.http.get(url, { ...headers, ...range }, signal, sha256 !== undefined);
    try {
      if (answer.status === 416 && this.have > 0) {
        await this.afterTheEnd(answer);
        return;
      }
      if (answer.status !== 200 && answer.status !== 206) {
        throw statusProblem(answer.status, url, terms, answer.headers);
      }
      const total = await this.begin(answer, this.have - again);
      await this.receive(answer, total, Math.min(again, this.have));
    } finally {
      answer.body.destroy();
    }
  }

  /** Nothing comes after what is here: that is all, or what is here is not of this file. */
  private async afterTheEnd({ headers }: Answer): Promise<void> {
    const total = parseContentRange(headers["content-range"])?.total;
    if (total !== undefined && total === this.have && (this.record.total ?? total) === total) {
      return;
    }
    const { total: promised } = this.record;
    if (total !== undefined && promised !== undefined && total !== promised) {
      throw this.wrongSize(
        `${size(promised)} were promised and there are ${size(total)} (${promised} and ${total} bytes)`,
      );
    }
    await this.startOver();
    throw new DownloadError("interrupted", `${this.request.url.host} does not continue.`);
  }

  /**
   * Checks an answer's head against what is known; the size of the whole, if the server tells.
   * @param from the first byte that was asked for
   */
  private async begin(answer: Answer, from: number): Promise<number | undefined> {
    const { bytes, sha256, partFile, terms } = this.request;
    const range = answer.status === 206 ? parseContentRange(answer.headers["content-range"]) : undefined;
    if (answer.status === 206 && range?.start !== from) {
      await this.startOver();
      throw new DownloadError(
        "interrupted",
        `${this.request.url.host} sent another part than was asked for.`,
      );
    }
    const { validator } = this.record;
    if (
      answer.status === 206 &&
      this.record.sha256 === undefined &&
      validator !== undefined &&
      validatorOf(answer.headers) !== validator
    ) {
      throw this.changed();
    }
    if (answer.status === 200 && this.have > 0) {
      this.continues = false;
      await this.startOver(); // it cannot continue, or the file is another one by now
    }
    const told = hashOf(answer.first, terms !== undefined) ?? hashOf(answer.headers, false);
    if (sha256 !== undefined && told !== undefined && told !== sha256) {
      throw this.wrongHash(told, sha256);
    }
    const total = range?.total ?? lengthOf(answer.headers) ?? sizeOf(answer.first);
    const expected = bytes ?? this.record.total;
    if (total !== undefined && expected !== undefined && total !== expected) {
      throw this.wrongSize(
        `it has ${size(total)} there instead of ${size(expected)} (${total} and ${expected} bytes)`,
      );
    }
    this.record = {
      url: this.request.url.href,
      validator: validatorOf(answer.headers),
      total: total ?? expected,
      sha256: sha256 ?? told,
    };
    await this.requireSpace(total === undefined ? undefined : total - this.have);
    await writeFile(recordFile(partFile), JSON.stringify(this.record)).catch((error: unknown) => {
      throw fileProblem(error, path.dirname(partFile));
    });
    return this.record.total;
  }

  /** @param bytes that are still to come; undefined: nobody knows */
  private async requireSpace(bytes: number | undefined): Promise<void> {
    const folder = path.dirname(this.request.partFile);
    const { bavail, bsize } = await statfs(folder).catch((error: unknown) => {
      throw fileProblem(error, folder);
    });
    const free = bavail * bsize;
    if (free < (bytes ?? 0) + SPARE) {
      const needs = bytes === undefined ? "needs more" : `needs ${size(bytes)} more`;
      const message = `${this.request.name} ${needs} and ${folder} has ${size(free)} free. Make room, or choose another folder.`;
      throw new DownloadError("disk-full", message);
    }
  }

  /** @param again bytes that come once more before the rest */
  private async receive(answer: Answer, total: number | undefined, again: number): Promise<void> {
    const folder = path.dirname(this.request.partFile);
    let file: FileHandle;
    try {
      file = await this.openFile(this.request.partFile, this.have === 0 ? "w" : "r+");
    } catch (error) {
      throw fileProblem(error, folder);
    }
    let known = Buffer.alloc(again);
    let batch: Buffer[] = [];
    let pending = 0;
    let sent = this.have;
    let writing: Promise<void> = Promise.resolve();
    const flush = async (): Promise<void> => {
      await writing;
      const chunks = batch;
      const [start, end] = [sent, sent + pending];
      writing = file.writev(chunks, start).then(({ bytesWritten }) => {
        if (bytesWritten < end - start) {
          throw Object.assign(new Error("short write"), { code: "ENOSPC" });
        }
        this.have = end;
        this.hash.written(end);
        this.report("downloading");
      });
      writing.catch(() => undefined); // told by the next flush
      batch = [];
      pending = 0;
      sent = end;
    };
    answer.body.setTimeout(this.http.stallMs, () =>
      answer.body.destroy(new Error(`silent for ${this.http.stallMs / 1000} s`)),
    );
    try {
      await this.orDisk(file.read(known, 0, again, this.have - again));
      for await (const piece of answer.body as AsyncIterable<Buffer>) {
        const shared = Math.min(known.length, piece.length);
        if (!known.subarray(0, shared).equals(piece.subarray(0, shared))) {
          throw this.changed();
        }
        known = known.subarray(shared);
        const chunk = piece.subarray(shared);
        if (chunk.length === 0) {
          continue;
        }
        batch.push(chunk);
        pending += chunk.length;
        if (total !== undefined && sent + pending > total) {
          throw this.wrongSize(`more comes than the ${size(total)} that were promised`);
        }
        if (pending >= BATCH) {
          await this.orDisk(flush());
          if (total === undefined) {
            await this.requireSpace(undefined);
          }
        }
      }
    } catch (error) {
      this.request.signal.throwIfAborted();
      throw connectionProblem(error, this.request.url.host);
    } finally {
      // What has come is kept as far as it can be written.
      if (pending > 0) {
        await this.orDisk(flush()).catch(() => undefined);
      }
      await writing.catch(() => undefined);
      await file.close().catch(() => undefined);
      this.ended = { at: this.have, times: this.ended.at === this.have ? this.ended.times + 1 : 1 };
    }
    await this.orDisk(writing);
    if (total !== undefined && this.have < total) {
      throw new DownloadError("interrupted", `${this.request.url.host} ended too early.`);
    }
  }

  private async orDisk(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      throw fileProblem(error, path.dirname(this.request.partFile));
    }
  }

  private async check(): Promise<TransferResult> {
    this.report("checking");
    const { bytes } = this.request;
    const actual = await this.hash.digest(this.have);
    const expected = this.record.sha256;
    if (bytes !== undefined && this.have !== bytes) {
      throw this.wrongSize(
        `it has ${size(this.have)} instead of ${size(bytes)} (${this.have} and ${bytes} bytes)`,
      );
    }
    if (expected !== undefined && actual !== expected) {
      throw this.wrongHash(actual, expected);
    }
    return { bytes: this.have, sha256: actual, verified: expected !== undefined };
  }

  private changed(): DownloadError {
    return new DownloadError("changed", `${this.request.name} is another file there by now.`);
  }

  private wrongSize(how: string): DownloadError {
    return new DownloadError(
      "wrong-size",
      `${this.request.name} is not what was expected: ${how}. It was changed where it comes from, or on the way; it is not kept.`,
    );
  }

  private wrongHash(actual: string, expected: string): DownloadError {
    return new DownloadError(
      "wrong-hash",
      `${this.request.name} is not what was expected: its SHA-256 is ${actual.slice(0, 12)}… instead of ${expected.slice(0, 12)}…. It was changed where it comes from, or on the way; it is not kept.`,
    );
  }

  private report(phase: Progress["phase"], problem?: string): void {
    const { total } = this.record;
    this.request.onProgress({
      phase,
      received: this.have,
      total: total ?? this.request.bytes,
      rate: this.meter.rate(phase === "downloading" ? this.have : undefined),
      ...(problem === undefined ? {} : { problem }),
    });
  }
}

/** After these nothing is kept: what came is not what was asked for. */
const NOT_KEPT: ReadonlySet<DownloadProblem> = new Set(["changed", "wrong-size", "wrong-hash"]);

const recordFile = (partFile: string): string => `${partFile}.json`;

async function readRecord(partFile: string): Promise<PartRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(recordFile(partFile), "utf8")) as Partial<PartRecord>;
    return typeof record.url === "string"
      ? { validator: undefined, total: undefined, sha256: undefined, ...record, url: record.url }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes per second over the last {@link SPAN_MS}. */
class Meter {
  private seen: { readonly at: number; readonly bytes: number }[] = [];

  restart(): void {
    this.seen = [];
  }

  rate(bytes: number | undefined): number {
    const now = performance.now();
    if (bytes !== undefined && now - (this.seen.at(-1)?.at ?? -Infinity) >= SPAN_MS / 50) {
      this.seen.push({ at: now, bytes });
    }
    this.seen = this.seen.filter(({ at }) => now - at < SPAN_MS);
    const [oldest, latest] = [this.seen[0], this.seen.at(-1)];
    return oldest === undefined || latest === undefined || latest.at === oldest.at
      ? 0
      : Math.max(0, ((latest.bytes - oldest.bytes) / (latest.at - oldest.at)) * 1_000);
  }
}

const SPAN_MS = 5_000;
