import type { Rung } from "./clientRungs";

/** Remembers, for one binary on one processor, the rung that works there. */
export interface RungMemory {
  /** Name of the rung; undefined: the first. */
  read(): string | undefined;
  write(name: string | undefined): void;
}

/** A rung below the first that has computed something. */
export interface Descent {
  readonly rung: Rung;
  /** What ended the process on the rung above, such as SIGILL. */
  readonly signal: string;
}

/**
 * Where to start the engine process, and where to start it again after native code has ended it before it computed anything: one rung lower. What
 * ends it on every rung is no fault of the processor; then the first try counts, until somebody begins anew.
 */
export class Ladder {
  /** Undefined until it is needed: to remember takes reading a file. */
  private current: number | undefined;
  private exhausted = false;
  /** Of the descent that has not proved itself yet. */
  private signal: string | undefined;

  /** @param onDescent a lower rung works: told once, as it is remembered */
  constructor(
    private readonly rungs: readonly [Rung, ...Rung[]],
    private readonly memory: RungMemory,
    private readonly onDescent: (descent: Descent) => void = () => undefined,
  ) {}

  get rung(): Rung {
    return this.rungs[this.index] ?? this.rungs[0];
  }

  /**
   * The process was ended by `signal` before it computed anything.
   * @returns whether there is a lower rung, on which to start it again
   */
  descend(signal: string): boolean {
    if (this.exhausted) {
      return false;
    }
    this.signal = signal;
    if (this.index + 1 < this.rungs.length) {
      this.current = this.index + 1;
      return true;
    }
    this.exhausted = true;
    this.signal = undefined;
    this.current = undefined;
    return false;
  }

  /** The process has computed something. */
  proved(): void {
    this.exhausted = false;
    const { signal } = this;
    if (signal !== undefined) {
      this.signal = undefined;
      this.memory.write(this.rung.name);
      this.onDescent({ rung: this.rung, signal });
    }
  }

  /** What comes next may be another model: where one has ended the process on every rung, the rungs may be tried once more. */
  allow(): void {
    this.exhausted = false;
  }

  /** Tries the first rung again. */
  reset(): void {
    this.current = 0;
    this.exhausted = false;
    this.signal = undefined;
    this.memory.write(undefined);
  }

  private get index(): number {
    if (this.current === undefined) {
      const name = this.memory.read();
      this.current = Math.max(
        0,
        this.rungs.findIndex((rung) => rung.name === name),
      );
    }
    return this.current;
  }
}
