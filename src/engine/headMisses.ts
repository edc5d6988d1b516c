import { readFile, rename, writeFile } from "node:fs/promises";

/** Choices of the screened head that were compared with those of the full one. */
export interface HeadMisses {
  readonly checked: number;
  readonly missed: number;
}

/** Changes when counts of an earlier version mean something else. */
const VERSION = 1;

/** More misses than this share, and the full head is used. */
export const MAX_MISS_SHARE = 1 / 1000;

/** One miss says nothing about a share of one in a thousand; two in less than two thousand say that it is too large. */
export const missesTooOften = ({ checked, missed }: HeadMisses): boolean =>
  missed > 1 && missed > checked * MAX_MISS_SHARE;

/** The counts that earlier sessions have kept beside the copy; zeros when there are none that can be read. */
export async function readMisses(file: string): Promise<HeadMisses> {
  try {
    const { version, checked, missed } = JSON.parse(await readFile(file, "utf8")) as HeadMisses & {
      readonly version: number;
    };
    if (version === VERSION && Number.isInteger(checked) && Number.isInteger(missed)) {
      return { checked, missed };
    }
  } catch {
    // not there, or not readable: the same as none
  }
  return { checked: 0, missed: 0 };
}

/** Counts that cannot be kept are lost, and nothing else. */
export async function writeMisses(file: string, misses: HeadMisses): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  try {
    await writeFile(fresh, JSON.stringify({ version: VERSION, ...misses }));
    await rename(fresh, file);
  } catch {
    // a full disk
  }
}
