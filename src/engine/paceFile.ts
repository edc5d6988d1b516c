import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeFolderSync } from "../files/makeFolder";

/** A laptop's drivers, power settings and Lacuna itself change. */
const KEPT_MS = 7 * 24 * 60 * 60_000;

/** By what they were measured with, then by share: time over that of dense decoding, and when it was measured (milliseconds since 1970). */
type Kept = Record<string, Record<string, { readonly cost: number; readonly at: number }>>;

/** Remembers what sparse decoding costs on this machine. A file that cannot be read or written is as none. */
export class PaceFile {
  private readonly key: string;

  /** @param use what it depends on: model, processor or graphics card, threads, llama.cpp's release */
  constructor(
    private readonly file: string,
    use: readonly (string | number)[],
    private readonly now: () => number = Date.now,
  ) {
    this.key = createHash("sha256").update(JSON.stringify(use)).digest("hex").slice(0, 16);
  }

  /** Costs by share. */
  read(): ReadonlyMap<number, number> {
    const costs = Object.entries(this.kept()[this.key] ?? {});
    return new Map(costs.map(([ratio, { cost }]) => [Number(ratio), cost]));
  }

  add(activeRatio: number, cost: number): void {
    const kept = this.kept();
    kept[this.key] = { ...kept[this.key], [activeRatio]: { cost, at: this.now() } };
    const fresh = `${this.file}.${process.pid}`;
    const written = attempt(() => {
      makeFolderSync(path.dirname(this.file));
      writeFileSync(fresh, JSON.stringify(kept));
      renameSync(fresh, this.file);
      return true;
    });
    if (written === undefined) {
      attempt(() => rmSync(fresh, { force: true }));
    }
  }

  /** What is still believed. */
  private kept(): Kept {
    const after = this.now() - KEPT_MS;
    const res: Kept = {};
    for (const [key, costs] of entries(this.parsed())) {
      const good = entries(costs).filter(
        ([ratio, value]) =>
          Number(ratio) > 0 &&
          isRecord(value) &&
          typeof value.cost === "number" &&
          value.cost > 0 &&
          typeof value.at === "number" &&
          value.at > after &&
          value.at <= this.now(),
      );
      if (good.length > 0) {
        res[key] = Object.fromEntries(good) as Kept[string];
      }
    }
    return res;
  }

  private parsed(): unknown {
    return attempt(() => JSON.parse(readFileSync(this.file, "utf8")) as unknown);
  }
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const entries = (value: unknown): [string, unknown][] => (isRecord(value) ? Object.entries(value) : []);
