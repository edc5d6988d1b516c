import type { Memento } from "vscode";
import { measure, type MeasuredData } from "./measured";

const KEY = "measured";

/** What shares of neurons have cost on this machine, kept between sessions. */
export class MeasuredStore {
  constructor(private readonly state: Memento) {}

  get data(): MeasuredData {
    return this.state.get<MeasuredData>(KEY, {});
  }

  async add(
    model: string,
    activeRatio: number,
    completion: { readonly tokens: number; readonly tokensPerSecond: number },
    residentBytes: number,
  ): Promise<void> {
    const next = measure(this.data, model, activeRatio, completion, residentBytes);
    if (next !== this.data) {
      await this.state.update(KEY, next);
    }
  }
}
