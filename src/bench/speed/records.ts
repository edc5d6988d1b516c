import { Store } from "../common/store";
import type { Experiment } from "./plan";

/** Raised when it measures something else than before. */
const VERSION = 1;

/** What one configuration was measured under. */
export interface RecordKey {
  /** Processor and number of cores: rows of another machine are not mixed in. */
  readonly machine: string;
  /** File name. */
  readonly model: string;
  readonly experiment: Experiment;
  /** Of the configuration, or of the attribution's metric. */
  readonly name: string;
  readonly threads: number;
  readonly promptTokens: number;
  readonly decodeTokens: number;
}

export interface SpeedRecord<Values = Readonly<Record<string, number>>> extends RecordKey {
  /** Share of the FFN that a token reads. */
  readonly share: number;
  readonly values: Values;
}

/** Rows that were measured, kept in a file, so that a run can be continued later and by others. */
export class Records {
  private readonly store: Store;

  constructor(file: string, fresh: boolean) {
    this.store = new Store(file, fresh);
  }

  get(key: RecordKey): SpeedRecord | undefined {
    const [point] = this.store.get(text(key)) ?? [];
    return point === undefined ? undefined : { ...key, share: point.x, values: point.values };
  }

  add({ share, values, ...key }: SpeedRecord): void {
    this.store.add(text(key), [{ series: key.name, x: share, values }]);
  }

  all(machine: string): SpeedRecord[] {
    return this.store.keys().flatMap((line) => {
      const [version, key] = JSON.parse(line) as [number, RecordKey];
      return version === VERSION && key.machine === machine ? [this.get(key)!] : [];
    });
  }
}

const text = (key: RecordKey): string => {
  const { machine, model, experiment, name, threads, promptTokens, decodeTokens } = key;
  return JSON.stringify([VERSION, { machine, model, experiment, name, threads, promptTokens, decodeTokens }]);
};
