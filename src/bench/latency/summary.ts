import { percentiles, type Percentiles } from "../common/percentiles";
import { summariseWork, type WorkSummary } from "./phases";
import type { Run } from "./replay";
import type { Decoding } from "./system";

/** What one system did over all runs. */
export interface SystemSummary {
  readonly name: string;
  /** Changes of the text. */
  readonly keys: number;
  /** Share of the keys whose suggestion's first text came before the next key. */
  readonly answered: number;
  /** Of the keys that had no text within {@link LATE_MS} and were not followed by another until then: the share that still got some. */
  readonly late: number | undefined;
  /** Share of the suggestions shown that leave something begun. */
  readonly fragments: number | undefined;
  /** Milliseconds from the key, over the keys that were answered. */
  readonly first: Percentiles | undefined;
  readonly full: Percentiles | undefined;
  /** As `first`, over the keys for which the model had to write. */
  readonly firstAsked: Percentiles | undefined;
  /** Of those keys, where the time went, as far as the system tells. */
  readonly work: WorkSummary | undefined;
  /** Until it was known whether there is a suggestion, over the keys for which that was before the next. */
  readonly answer: Percentiles | undefined;
  readonly promptTokensPerKey: number;
  /** Share of the prompt tokens evaluated whose text had been evaluated before. */
  readonly readAgain: number | undefined;
  /** Prompt tokens for each character that was suggested and then typed; undefined: none was, or it was not counted. */
  readonly promptTokensPerAccepted?: number | undefined;
  readonly generatedTokensPerKey: number;
  readonly requestsPerKey: number;
  /** Processor seconds per minute of typing at the trace's own pace. */
  readonly cpuSecondsPerMinute: number | undefined;
  readonly residentMiB: number | undefined;
  /** Milliseconds. */
  readonly perWrittenToken: number | undefined;
  /** Share of the drafted tokens that the model wrote, too; undefined: none were drafted. */
  readonly draftsAccepted: number | undefined;
}

/** After this long VS Code opens its list rather than wait for a suggestion. */
const LATE_MS = 750;

export function summarise(name: string, runs: readonly Run[]): SystemSummary {
  const keys = runs.flatMap((run) => run.keys);
  const defined = <T>(values: readonly (T | undefined)[]): T[] =>
    values.filter((value) => value !== undefined);
  const first = defined(keys.map(({ firstMs }) => firstMs));
  const cpu = defined(runs.map(({ usage }) => usage.cpuSeconds));
  const resident = defined(runs.map(({ usage }) => usage.residentBytes));
  const late = keys.filter(({ gapMs, firstMs }) => gapMs > LATE_MS && (firstMs ?? Infinity) > LATE_MS);
  const offers = defined(runs.map(({ usage }) => usage.offers));
  const again = defined(runs.map(({ usage }) => usage.againTokens));
  const accepted = sum(keys.map(({ acceptedCharacters = 0 }) => acceptedCharacters));
  const minutes = sum(runs.map(({ traceMs }) => traceMs)) / 60_000;
  const decoding = defined(runs.map(({ usage }) => usage.decoding));
  const decoded = (of: (one: Decoding) => number): number => sum(decoding.map(of));
  const ratio = (part: number, whole: number): number | undefined => (whole > 0 ? part / whole : undefined);
  const perKey = (values: readonly number[]): number => sum(values) / keys.length;
  return {
    name,
    keys: keys.length,
    answered: first.length / keys.length,
    late: ratio(late.filter(({ firstMs }) => firstMs !== undefined).length, late.length),
    fragments: ratio(sum(offers.map(({ fragments }) => fragments)), sum(offers.map(({ texts }) => texts))),
    first: percentiles(first),
    firstAsked: percentiles(
      defined(keys.map(({ firstMs, asked }) => (asked === true ? firstMs : undefined))),
    ),
    work: summariseWork(keys.map(({ modelWork }) => modelWork).filter((work) => work !== undefined)),
    answer: percentiles(defined(keys.map(({ answerMs }) => answerMs))),
    full: percentiles(defined(keys.map(({ fullMs }) => fullMs))),
    promptTokensPerAccepted: ratio(sum(runs.map(({ usage }) => usage.promptTokens)), accepted),
    promptTokensPerKey: perKey(runs.map(({ usage }) => usage.promptTokens)),
    readAgain:
      again.length === runs.length
        ? ratio(sum(again), sum(runs.map(({ usage }) => usage.promptTokens)))
        : undefined,
    generatedTokensPerKey: perKey(runs.map(({ usage }) => usage.generatedTokens)),
    requestsPerKey: perKey(runs.map(({ usage }) => usage.requests)),
    cpuSecondsPerMinute: cpu.length === runs.length ? sum(cpu) / minutes : undefined,
    residentMiB: resident.length === runs.length ? Math.max(...resident) / 2 ** 20 : undefined,
    perWrittenToken: ratio(
      decoded(({ ms }) => ms),
      decoded(({ tokens }) => tokens),
    ),
    draftsAccepted: ratio(
      decoded(({ accepted }) => accepted),
      decoded(({ proposed }) => proposed),
    ),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

interface Row {
  readonly label: string;
  readonly of: (summary: SystemSummary) => number | undefined;
  readonly digits: number;
  /** A share is compared by its difference, not by its ratio. */
  readonly share?: true;
  /** Left out where none of the systems tells. */
  readonly optional?: true;
}

const ROWS: readonly Row[] = [
  { label: "first text, p50 (ms)", of: ({ first }) => first?.p50, digits: 0 },
  { label: "first text, p95 (ms)", of: ({ first }) => first?.p95, digits: 0 },
  { label: "first text, p99 (ms)", of: ({ first }) => first?.p99, digits: 0 },
  {
    label: "first text where the model wrote it, p50 (ms)",
    of: ({ firstAsked }) => firstAsked?.p50,
    digits: 0,
  },
  {
    label: "first text where the model wrote it, p95 (ms)",
    of: ({ firstAsked }) => firstAsked?.p95,
    digits: 0,
  },
  { label: "full suggestion, p50 (ms)", of: ({ full }) => full?.p50, digits: 0 },
  { label: "full suggestion, p95 (ms)", of: ({ full }) => full?.p95, digits: 0 },
  { label: "full suggestion, p99 (ms)", of: ({ full }) => full?.p99, digits: 0 },
  { label: "answer, also of nothing, p50 (ms)", of: ({ answer }) => answer?.p50, digits: 0 },
  { label: "answer, also of nothing, p95 (ms)", of: ({ answer }) => answer?.p95, digits: 0 },
  {
    label: "keys with text before the next (%)",
    of: ({ answered }) => 100 * answered,
    digits: 1,
    share: true,
  },
  {
    label: `keys with text later than ${LATE_MS} ms, of those that waited for it (%)`,
    of: ({ late }) => (late === undefined ? undefined : 100 * late),
    digits: 1,
    share: true,
    optional: true,
  },
  {
    label: "fragments, of the suggestions shown (%)",
    of: ({ fragments }) => (fragments === undefined ? undefined : 100 * fragments),
    digits: 1,
    share: true,
    optional: true,
  },
  { label: "prompt tokens evaluated per key", of: (s) => s.promptTokensPerKey, digits: 1 },
  {
    label: "prompt tokens evaluated per character that was suggested and typed",
    of: (s) => s.promptTokensPerAccepted,
    digits: 1,
    optional: true,
  },
  {
    label: "of these, read before (%)",
    of: ({ readAgain }) => (readAgain === undefined ? undefined : 100 * readAgain),
    digits: 1,
    share: true,
    optional: true,
  },
  { label: "tokens generated per key", of: (s) => s.generatedTokensPerKey, digits: 1 },
  { label: "requests per key", of: (s) => s.requestsPerKey, digits: 2 },
  { label: "CPU seconds per minute of typing", of: (s) => s.cpuSecondsPerMinute, digits: 1 },
  { label: "resident memory (MiB)", of: (s) => s.residentMiB, digits: 0 },
  { label: "milliseconds per token written", of: (s) => s.perWrittenToken, digits: 2, optional: true },
  {
    label: "drafted tokens that the model wrote, too (%)",
    of: ({ draftsAccepted }) => (draftsAccepted === undefined ? undefined : 100 * draftsAccepted),
    digits: 1,
    share: true,
    optional: true,
  },
];

/** A row for each figure, a column for each system, and the second over the first. */
export function table(summaries: readonly SystemSummary[]): readonly (readonly string[])[] {
  const [own, rival] = summaries;
  const head = ["", ...summaries.map(({ name }) => name), ...(rival === undefined ? [] : ["ratio"])];
  const told = ROWS.filter(
    (row) => row.optional === undefined || summaries.some((s) => row.of(s) !== undefined),
  );
  const rows = told.map(({ label, of, digits, share }) => {
    const cells = summaries.map((summary) => of(summary)?.toFixed(digits) ?? "not measured");
    const a = own === undefined ? undefined : of(own);
    const b = rival === undefined ? undefined : of(rival);
    const ratio = a === undefined || b === undefined || a === 0 || share ? "" : `${(b / a).toFixed(2)} ×`;
    return [label, ...cells, ...(rival === undefined ? [] : [ratio])];
  });
  return [head, ...rows];
}
