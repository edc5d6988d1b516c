import { percentiles, type Percentiles } from "../common/percentiles";
import type { KeyResult, Run } from "./replay";

/** Times to the first text of two systems on the same keys, milliseconds. */
export interface PairedTimes {
  readonly keys: number;
  readonly own: Percentiles;
  readonly rival: Percentiles;
}

/** Two systems compared on the keys for which both had text before the next key. */
export interface Paired {
  readonly all: PairedTimes;
  /** Of those, the keys for which the first system's model had to write; undefined: none. */
  readonly asked: PairedTimes | undefined;
}

/** @param own @param rival runs of the same traces in the same order; undefined when there is no key that both have answered */
export function paired(own: readonly Run[], rival: readonly Run[]): Paired | undefined {
  const pairs = own.flatMap(({ keys }, run) =>
    keys.map((key, index) => [key, rival[run]?.keys[index]] as const),
  );
  const all = timesOf(pairs);
  return all === undefined ? undefined : { all, asked: timesOf(pairs.filter(([key]) => key.asked === true)) };
}

function timesOf(pairs: readonly (readonly [KeyResult, KeyResult | undefined])[]): PairedTimes | undefined {
  const both = pairs.flatMap(([own, rival]) =>
    own.firstMs === undefined || rival?.firstMs === undefined ? [] : [[own.firstMs, rival.firstMs] as const],
  );
  const own = percentiles(both.map(([ms]) => ms));
  const rival = percentiles(both.map(([, ms]) => ms));
  return own === undefined || rival === undefined ? undefined : { keys: both.length, own, rival };
}

/** Rows of cells: both systems' times, and the second over the first. */
export function pairedTable(
  { all, asked }: Paired,
  names: readonly [own: string, rival: string],
): readonly (readonly string[])[] {
  const rows = (label: string, times: PairedTimes | undefined): (readonly string[])[] =>
    times === undefined
      ? []
      : (["p50", "p95", "p99"] as const).map((name) => {
          const [own, rival] = [times.own[name], times.rival[name]];
          return [
            `${label}, ${name} (ms), ${times.keys} keys`,
            own.toFixed(0),
            rival.toFixed(0),
            own === 0 ? "" : `${(rival / own).toFixed(2)} ×`,
          ];
        });
  return [
    ["", ...names, "ratio"],
    ...rows("first text", all),
    ...rows(`first text where ${names[0]}'s model wrote it`, asked),
  ];
}
