import type { Log } from "./llama";
import { measurePace } from "./pace";
import type { PaceFile } from "./paceFile";
import type { Turns } from "./packing";
import type { Session } from "./session";

/** Less than this of dense decoding's time is worth a loss. */
const PAYS = 0.95;

/**
 * What a generated token takes at a share of the FFN, over what it takes dense: measured once for a model and a machine, one after the other, as both
 * depend on what else the machine does.
 */
export class Paces {
  private readonly costs: Map<number, number>;
  private dense: number | undefined;

  /**
   * @param measure milliseconds for a token
   * @param file absent: measured anew after every start
   */
  constructor(
    private readonly measure: (activeRatio: number, turns: Turns) => Promise<number>,
    private readonly file?: PaceFile,
  ) {
    this.costs = new Map(file?.read());
  }

  static of(session: Session, log: Log, file?: PaceFile): Paces {
    const measure = async (activeRatio: number, turns: Turns): Promise<number> => {
      await session.largePages.settle(turns.gate);
      const ms = await measurePace(session, activeRatio, turns);
      log("debug", `a token at ${activeRatio}: ${ms.toFixed(1)} ms, drafts included`);
      return ms;
    };
    return new Paces(measure, file);
  }

  /** Undefined: not known yet. */
  pays(activeRatio: number): boolean | undefined {
    const cost = this.costs.get(activeRatio);
    return cost === undefined ? undefined : cost < PAYS;
  }

  /** What the others are compared with, where it is not known yet. */
  async measureDense(turns: Turns): Promise<void> {
    this.dense ??= await this.measure(1, turns);
  }

  /** @returns whether it pays */
  async ask(activeRatio: number, turns: Turns): Promise<boolean> {
    if (!this.costs.has(activeRatio)) {
      await this.measureDense(turns);
      const cost = (await this.measure(activeRatio, turns)) / this.dense!;
      this.costs.set(activeRatio, cost);
      this.file?.add(activeRatio, cost);
    }
    return this.pays(activeRatio)!;
  }
}
