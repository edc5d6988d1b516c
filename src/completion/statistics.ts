/** Counts of one day, local time. */
export interface DayCounts {
  readonly shown: number;
  readonly accepted: number;
  readonly acceptedCharacters: number;
  /** Accepted characters that were still there half a minute later. */
  readonly keptCharacters: number;
}

/** Everything that is remembered about acceptance; plain JSON. Latencies are milliseconds, newest last. */
export interface StatisticsData {
  readonly version: 1;
  readonly days: Readonly<Record<string, DayCounts>>;
  readonly latencies: readonly number[];
}

export type StatisticsEvent =
  | { readonly kind: "shown" }
  | { readonly kind: "accepted"; readonly characters: number }
  /** Another word or line of a suggestion that has been counted as accepted. */
  | { readonly kind: "acceptedMore"; readonly characters: number }
  | { readonly kind: "kept"; readonly characters: number }
  | { readonly kind: "latency"; readonly ms: number };

export const NO_STATISTICS: StatisticsData = { version: 1, days: {}, latencies: [] };

const MAX_DAYS = 60;
const MAX_LATENCIES = 500;
const NOTHING: DayCounts = { shown: 0, accepted: 0, acceptedCharacters: 0, keptCharacters: 0 };

/** `YYYY-MM-DD` in local time. */
export const dayOf = (time: Date): string =>
  [time.getFullYear(), time.getMonth() + 1, time.getDate()].map((n) => String(n).padStart(2, "0")).join("-");

/** The statistics after one more event. */
export function record(data: StatisticsData, event: StatisticsEvent, day: string): StatisticsData {
  if (event.kind === "latency") {
    return { ...data, latencies: [...data.latencies, event.ms].slice(-MAX_LATENCIES) };
  }
  const counts = data.days[day] ?? NOTHING;
  const next: { -readonly [K in keyof DayCounts]: DayCounts[K] } = { ...counts };
  switch (event.kind) {
    case "shown":
      next.shown++;
      break;
    case "accepted":
      next.accepted++;
      next.acceptedCharacters += event.characters;
      break;
    case "acceptedMore":
      next.acceptedCharacters += event.characters;
      break;
    case "kept":
      next.keptCharacters += event.characters;
      break;
  }
  const days = Object.entries({ ...data.days, [day]: next }).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...data, days: Object.fromEntries(days.slice(-MAX_DAYS)) };
}

/** The value below which a share `p` (0..1) of `values` lies (nearest rank); undefined when there are none. */
export function percentile(values: readonly number[], p: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))];
}

/** Sum over all remembered days. */
export function totals(data: StatisticsData): DayCounts {
  return Object.values(data.days).reduce(
    (sum, day) => ({
      shown: sum.shown + day.shown,
      accepted: sum.accepted + day.accepted,
      acceptedCharacters: sum.acceptedCharacters + day.acceptedCharacters,
      keptCharacters: sum.keptCharacters + day.keptCharacters,
    }),
    NOTHING,
  );
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

const count = (value: unknown): number =>
  typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : 0;

/** Statistics from storage; whatever is damaged in them is left out. */
export function parseStatistics(stored: unknown): StatisticsData {
  const { version, days, latencies } = (isObject(stored) ? stored : {}) as {
    readonly version?: unknown;
    readonly days?: unknown;
    readonly latencies?: unknown;
  };
  if (version !== 1) {
    return NO_STATISTICS;
  }
  const validDays = Object.entries(isObject(days) ? days : {}).filter(
    (entry): entry is [string, Json] => /^\d{4}-\d\d-\d\d$/.test(entry[0]) && isObject(entry[1]),
  );
  const parsed = validDays
    .slice(-MAX_DAYS)
    .map(([day, counts]): [string, DayCounts] => [day, dayCounts(counts)]);
  const milliseconds = (Array.isArray(latencies) ? (latencies as unknown[]) : []).filter(
    (ms): ms is number => typeof ms === "number" && count(ms) === ms,
  );
  return { version: 1, days: Object.fromEntries(parsed), latencies: milliseconds.slice(-MAX_LATENCIES) };
}

const dayCounts = (counts: { readonly [K in keyof DayCounts]?: unknown }): DayCounts => ({
  shown: count(counts.shown),
  accepted: count(counts.accepted),
  acceptedCharacters: count(counts.acceptedCharacters),
  keptCharacters: count(counts.keptCharacters),
});
