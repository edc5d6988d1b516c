import { readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  dayOf,
  NO_STATISTICS,
  parseStatistics,
  record,
  type StatisticsData,
  type StatisticsEvent,
} from "../completion/statistics";
import { makeFolder } from "../files/makeFolder";

const FLUSH_MS = 5_000;

/**
 * Acceptance statistics in one local file, shared by all windows: events are added to what the file holds at the time of writing.
 * A file that cannot be read counts as empty; one that cannot be written is told once and tried again with the next events.
 */
export class StatisticsStore {
  private pending: { readonly event: StatisticsEvent; readonly day: string }[] = [];
  private stored: StatisticsData = NO_STATISTICS;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private warned = false;

  constructor(
    private readonly file: string,
    private readonly warn: (message: string) => void,
  ) {}

  /** Reads the file once, so that the first look at the statistics is not empty. */
  async open(): Promise<void> {
    this.stored = await this.read();
  }

  add(event: StatisticsEvent, now = new Date()): void {
    this.pending.push({ event, day: dayOf(now) });
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  /** Everything known, written or not. */
  get data(): StatisticsData {
    return this.pending.reduce((data, { event, day }) => record(data, event, day), this.stored);
  }

  /** Writes what is pending; resolves when it is on disk or has failed. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  private async write(): Promise<void> {
    const events = this.pending;
    if (events.length === 0) {
      return;
    }
    const temporary = `${this.file}.${process.pid}.tmp`;
    try {
      const data = events.reduce((sum, { event, day }) => record(sum, event, day), await this.read());
      await makeFolder(path.dirname(this.file));
      await writeFile(temporary, JSON.stringify(data));
      await rename(temporary, this.file);
      this.stored = data;
      this.pending = this.pending.slice(events.length);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      this.pending = this.pending.slice(-1_000);
      if (!this.warned) {
        this.warned = true;
        this.warn(
          `Statistics could not be written: ${error instanceof Error ? error.message : String(error)}.`,
        );
      }
    }
  }

  private async read(): Promise<StatisticsData> {
    try {
      return parseStatistics(JSON.parse(await readFile(this.file, "utf8")));
    } catch {
      return NO_STATISTICS; // none yet, or damaged
    }
  }
}
