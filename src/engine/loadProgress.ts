/**
 * What loading a model consists of, in order: the share of the load that is done at a stage's beginning and end, and how much of the stage tells how far it is.
 * The library starts while the file is read, which alone tells; of a vocabulary llama.cpp tells nothing.
 */
const STAGES = {
  start: { from: 0, to: 0.5, tells: 0.5 },
  vocabulary: { from: 0.5, to: 0.9, tells: 0 },
  weights: { from: 0.9, to: 1, tells: 1 },
} as const;

export type LoadStage = keyof typeof STAGES;

/** Milliseconds that what tells nothing takes, about: measured for the library and for a vocabulary of 150,000 tokens. */
const UNTOLD_MS = 1_000;

const TICK_MS = 100;

/** Smaller steps are not reported. */
const STEP = 0.02;

/**
 * How far the loading of a model is. What tells nothing goes on with time, by ever smaller steps, and never gets to the end of its stage: only what the
 * next one tells does.
 */
export class LoadProgress {
  private stage: LoadStage = "start";
  private began: number;
  private told = 0;
  private reported = 0;

  /**
   * @param report gets shares done, from 0 to 1, each larger than the one before
   * @param over nothing is reported when it is aborted
   * @param now milliseconds
   */
  constructor(
    private readonly report: (fraction: number) => void,
    private readonly over: AbortSignal,
    private readonly now = () => performance.now(),
  ) {
    this.began = now();
    report(0);
    const timer = setInterval(() => this.tick(), TICK_MS);
    over.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /**
   * @param stage what is under way
   * @param share of what it tells of, from 0 to 1
   */
  tell(stage: LoadStage, share: number): void {
    if (stage !== this.stage) {
      this.stage = stage;
      this.began = this.now();
    }
    this.told = share;
    this.tick();
  }

  private tick(): void {
    const { from, to, tells } = STAGES[this.stage];
    const untold = 1 - Math.exp((this.began - this.now()) / UNTOLD_MS);
    const fraction = from + (to - from) * (tells * this.told + (1 - tells) * untold);
    if (fraction - this.reported >= STEP && !this.over.aborted) {
      this.reported = fraction;
      this.report(fraction);
    }
  }
}
