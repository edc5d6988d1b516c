import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { makeFolder } from "../../files/makeFolder";
import { GgufError, readGguf } from "../gguf";
import { fileName } from "./address";
import { DownloadError, fileProblem, inUse } from "./errors";

/** What is known of a downloaded file. */
export interface ModelRecord {
  readonly file: string;
  readonly address: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The hash was known before the download. */
  readonly verified: boolean;
  /** ISO date. */
  readonly at: string;
  /** The file has its name, but nobody has waited yet for the disk to have all of it. */
  readonly unsettled?: true | undefined;
}

/** Where Lacuna keeps models: `$LACUNA_MODELS`, or a folder of its own in the home folder. */
export function defaultFolder(env: NodeJS.ProcessEnv = process.env, home = os.homedir()): string {
  const given = env.LACUNA_MODELS;
  return given === undefined || given === "" ? path.join(home, ".lacuna", "models") : path.resolve(given);
}

const INDEX = "models.json";
/** From the creation of a lock until it holds its process's number. */
const TO_SAY_MS = 2_000;
/** By then a system has written down what a program left to it. */
const SETTLED_MS = 120_000;

/**
 * A folder of downloaded models. A file has its own name only when it is whole and checked; until then it is `.NAME.part`, and
 * `.NAME.lock` keeps other processes from fetching it, too.
 *
 * A disk may need longer for a model than it took to come. So a file gets its name before it is on the disk, with a record that says
 * so ({@link settle}): if the machine goes down meanwhile, it is read again before it is offered.
 */
export class ModelFolder {
  constructor(
    readonly folder: string,
    /** When the machine was started, in milliseconds as Date.now() counts them. */
    private readonly started: () => number = () => Date.now() - 1_000 * os.uptime(),
  ) {}

  path(name: string): string {
    return path.join(this.folder, fileName(name));
  }

  partFile(name: string): string {
    return path.join(this.folder, `.${fileName(name)}.part`);
  }

  async create(): Promise<void> {
    try {
      await makeFolder(this.folder);
    } catch (error) {
      throw fileProblem(error, this.folder);
    }
  }

  /** Records by file name, of files that are there. */
  async records(): Promise<Map<string, ModelRecord>> {
    await this.settle().catch(() => undefined); // where one may only read, it is looked at again next time
    const there = new Set(await readdir(this.folder).catch(() => []));
    const records = await this.readIndex();
    return new Map([...records].filter(([name]) => there.has(name)));
  }

  /** Names of whole models, whoever put them there. */
  async names(): Promise<string[]> {
    await this.settle().catch(() => undefined);
    const entries = await readdir(this.folder, { withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => !entry.isDirectory() && /\.gguf$/i.test(entry.name) && !entry.name.startsWith("."))
      .map(({ name }) => name)
      .sort();
  }

  /**
   * Sees to files that got their name before they were on the disk: where the machine went down since, one that is not what it was is
   * removed.
   *
   * @param waiting whether to wait for the disk to have those that have just come, too
   */
  async settle(waiting = false): Promise<void> {
    const records = await this.readIndex();
    const unsettled = [...records.values()].filter((record) => record.unsettled === true);
    const due = unsettled.filter(
      ({ at }) => waiting || Date.parse(at) < this.started() || Date.now() - Date.parse(at) > SETTLED_MS,
    );
    for (const record of due) {
      const file = this.path(record.file);
      const isSame =
        Date.parse(record.at) >= this.started() ||
        (await hashFile(file).catch(() => undefined)) === record.sha256;
      try {
        if (isSame) {
          await sync(file);
          records.set(record.file, { ...record, unsettled: undefined });
        } else {
          await rm(file, { force: true });
          records.delete(record.file);
        }
      } catch (error) {
        throw fileProblem(error, this.folder);
      }
    }
    if (due.length > 0) {
      await this.writeIndex(records);
    }
  }

  /** Gives a checked part its name. Refuses what is no GGUF file, and removes it. */
  async adopt(name: string, record: Omit<ModelRecord, "file" | "at">): Promise<string> {
    const part = this.partFile(name);
    try {
      readGguf(part);
    } catch (error) {
      if (error instanceof GgufError) {
        await this.discard(name);
        throw new DownloadError(
          "no-model",
          `What came as ${name} ${error.message}, so it is no model, and is not kept. Check the address.`,
        );
      }
      throw fileProblem(error, this.folder);
    }
    const target = this.path(name);
    try {
      const records = await this.readIndex();
      records.set(name, { file: name, ...record, at: new Date().toISOString(), unsettled: true });
      await this.writeIndex(records); // on the disk before the name is
      await rename(part, target);
      await rm(`${part}.json`, { force: true });
    } catch (error) {
      throw inUse(error, name) ?? fileProblem(error, this.folder);
    }
    return target;
  }

  /** Removes what was left of a download. */
  async discard(name: string): Promise<void> {
    await rm(this.partFile(name), { force: true });
    await rm(`${this.partFile(name)}.json`, { force: true });
  }

  /** Removes a model, or what was downloaded of it; false when there is neither. */
  async remove(name: string): Promise<boolean> {
    const exists = async (file: string): Promise<boolean> =>
      (await lstat(file).catch(() => undefined))?.isDirectory() === false;
    const found = (await exists(this.path(name))) || (await exists(this.partFile(name)));
    if (!found) {
      return false;
    }
    try {
      await rm(this.path(name), { force: true });
      await this.discard(name);
      const records = await this.readIndex();
      if (records.delete(name)) {
        await this.writeIndex(records);
      }
    } catch (error) {
      throw inUse(error, name) ?? fileProblem(error, this.folder);
    }
    return true;
  }

  /** Runs `work` while no other process may fetch `name`; throws when one does. */
  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    const lock = path.join(this.folder, `.${fileName(name)}.lock`);
    for (let attempt = 0; ; attempt++) {
      try {
        const file = await open(lock, "wx");
        await file.writeFile(String(process.pid)).finally(() => file.close());
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
          throw fileProblem(error, this.folder);
        }
        const owner = await this.ownerOf(lock);
        if (attempt > 1 || owner !== undefined) {
          const by = owner === undefined || owner === 0 ? "by another process" : `by process ${owner}`;
          throw new DownloadError(
            "in-progress",
            `${name} is being downloaded already, ${by}. Wait for it, or end it there.`,
          );
        }
        await rm(lock, { force: true }); // of a process that was killed
      }
    }
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  }

  /** The process that holds a lock, 0 for one that has not said so yet; undefined: it is gone. */
  private async ownerOf(lock: string): Promise<number | undefined> {
    const since = (await stat(lock).catch(() => undefined))?.mtimeMs ?? 0;
    if (since < this.started()) {
      return undefined; // after a restart its number may be anybody's
    }
    const owner = Number(await readFile(lock, "utf8").catch(() => ""));
    const isThere = owner > 0 ? isAlive(owner) : Date.now() - since < TO_SAY_MS;
    return isThere ? owner : undefined;
  }

  private async readIndex(): Promise<Map<string, ModelRecord>> {
    try {
      const records = JSON.parse(await readFile(path.join(this.folder, INDEX), "utf8")) as unknown[];
      return new Map(records.filter(isRecord).map((record) => [record.file, record]));
    } catch {
      return new Map();
    }
  }

  private async writeIndex(records: ReadonlyMap<string, ModelRecord>): Promise<void> {
    const partial = path.join(this.folder, `.${INDEX}.${process.pid}`);
    await writeFile(partial, `${JSON.stringify([...records.values()], undefined, 2)}\n`, { flush: true });
    await rename(partial, path.join(this.folder, INDEX));
  }
}

/** Whether what an index holds can be believed: a file may be removed for what it says. */
function isRecord(value: unknown): value is ModelRecord {
  const { file, address, bytes, sha256, at } = (value ?? {}) as Partial<Record<keyof ModelRecord, unknown>>;
  return (
    [file, address, at].every((text) => typeof text === "string") &&
    typeof bytes === "number" &&
    typeof sha256 === "string" &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    !Number.isNaN(Date.parse(at as string)) &&
    path.basename(file as string) === file
  );
}

async function sync(name: string): Promise<void> {
  const file = await open(name, "r+");
  await file.sync().finally(() => file.close());
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** SHA-256 of a file, in hexadecimal digits. */
export async function hashFile(
  file: string,
  signal?: AbortSignal,
  onProgress: (bytes: number) => void = () => undefined,
): Promise<string> {
  const hash = createHash("sha256");
  let done = 0;
  for await (const chunk of createReadStream(file, {
    highWaterMark: 1 << 20,
    ...(signal === undefined ? {} : { signal }),
  })) {
    hash.update(chunk as Buffer);
    done += (chunk as Buffer).length;
    onProgress(done);
  }
  return hash.digest("hex");
}
