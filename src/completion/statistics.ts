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
  const next: DayCounts =
    event.kind === "shown"
      ? { ...counts, shown: counts.shown + 1 }
      : event.kind === "accepted"
        ? {
            ...counts,
            accepted: counts.accepted + 1,
            acceptedCharacters: counts.acceptedCharacters + event.characters,
          }
        : { ...counts, keptCharacters: counts.keptCharacters + event.characters };
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

const count = (value: unknown): number =>
  typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : 0;

/** Statistics from storage; whatever is damaged in them is left out. */
export function parseStatistics(stored: unknown): StatisticsData {
  const data = (typeof stored === "object" && stored !== null ? stored : {}) as Record<string, unknown>;
  if (data["version"] !== 1) {
    return NO_STATISTICS;
  }
  const rawDays =
    typeof data["days"] === "object" && data["days"] !== null ? Object.entries(data["days"]) : [];
  const days = rawDays
    .filter(([day, counts]) => /^\d{4}-\d\d-\d\d$/.test(day) && typeof counts === "object" && counts !== null)
    .map(([day, counts]): [string, DayCounts] => [
      day,
      {
        shown: count(counts.shown),
        accepted: count(counts.accepted),
        acceptedCharacters: count(counts.acceptedCharacters),
        keptCharacters: count(counts.keptCharacters),
      },
    ]);
  const latencies = Array.isArray(data["latencies"])
    ? data["latencies"].filter((ms) => count(ms) === ms)
    : [];
  return {
    version: 1,
    days: Object.fromEntries(days.slice(-MAX_DAYS)),
    latencies: latencies.slice(-MAX_LATENCIES),
  };
}
