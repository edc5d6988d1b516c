import { availableParallelism } from "node:os";
import path from "node:path";
import type { Context } from "../../commandLine/context";
import { contextSizeOf } from "../common/setup";
import { measureAttribution, measureRow, start, type MeasureSetup, type Running } from "./measure";
import type { Configuration } from "./messages";
import { ATTRIBUTED, CONTEXTS, STOCK, threadCounts, TYPICAL, type Experiment } from "./plan";
import type { RecordKey, SpeedRecord } from "./records";

export interface SpeedOptions extends MeasureSetup {
  readonly machine: string;
  readonly configurations: readonly Configuration[];
  readonly experiments: readonly Experiment[];
  /** Tokens of the attribution that is timed. */
  readonly window: number;
}

/** Of the context, beyond prompt and decoded tokens. */
const SPARE_TOKENS = 16;

/** Where rows come from and go to. */
export interface Rows {
  get(key: RecordKey): SpeedRecord | undefined;
  add(record: SpeedRecord): void;
}

/** Measures what is missing of one model, a process for each configuration beside one with stock. */
export async function measureModel(options: SpeedOptions, rows: Rows, context: Context): Promise<void> {
  const model = new ModelRun(options, rows, context);
  const { experiments, configurations } = options;
  if (experiments.includes("ratios")) {
    await model.compare("ratios", options, [STOCK, ...configurations]);
  }
  if (experiments.includes("attribution")) {
    await model.attribution();
  }
  if (experiments.includes("threads")) {
    for (const threads of threadCounts(availableParallelism())) {
      await model.compare("threads", { ...options, threads }, [STOCK, TYPICAL]);
    }
  }
  if (experiments.includes("context")) {
    const { modelPath, decodeTokens } = options;
    const fits = (tokens: number): boolean => {
      const needed = tokens + decodeTokens + SPARE_TOKENS;
      return contextSizeOf(modelPath, needed) === needed;
    };
    for (const promptTokens of CONTEXTS.filter(fits)) {
      await model.compare("context", { ...options, promptTokens }, [STOCK, TYPICAL]);
    }
  }
  context.progress.end();
}

class ModelRun {
  constructor(
    private readonly options: SpeedOptions,
    private readonly rows: Rows,
    private readonly context: Context,
  ) {}

  /** Stock stays; the others come and go, so that no more than two are in memory. */
  async compare(
    experiment: Experiment,
    setup: MeasureSetup,
    configurations: readonly Configuration[],
  ): Promise<void> {
    const missing = configurations.filter(({ name }) => !this.has(this.key(experiment, name, setup)));
    if (missing.length === 0) {
      return;
    }
    const { signal } = this.context;
    const stock = await start(STOCK, setup, signal);
    try {
      for (const configuration of missing) {
        const own = configuration.stock ? undefined : await start(configuration, setup, signal);
        try {
          const label = `${this.name} ${experiment}: ${configuration.name}, ${setup.threads} threads, ${setup.promptTokens} tokens`;
          const values = await measureRow(stock, own, setup, (fraction) => {
            this.context.progress.report(label, fraction);
          });
          const share = configuration.activeRatio;
          this.rows.add({ ...this.key(experiment, configuration.name, setup), share, values });
        } finally {
          own?.worker.dispose();
        }
      }
    } finally {
      stock.worker.dispose();
    }
  }

  /** Last of all on a process: it brings all weights into memory. */
  async attribution(): Promise<void> {
    const { window, ...setup } = this.options;
    const keyOf = (metric: string): RecordKey => this.key("attribution", metric, setup);
    const missing = ATTRIBUTED.filter((metric) => !this.has(keyOf(metric)));
    if (missing.length === 0) {
      return;
    }
    const { signal, progress } = this.context;
    const started: Running[] = [];
    try {
      const stock = await start(STOCK, setup, signal);
      started.push(stock);
      const own = await start(TYPICAL, setup, signal);
      started.push(own);
      const row = await measureRow(stock, own, setup, () => undefined);
      for (const [index, metric] of missing.entries()) {
        progress.report(`${this.name} attribution`, index / missing.length);
        const values = await measureAttribution(own, row, metric, window);
        this.rows.add({ ...keyOf(metric), share: TYPICAL.activeRatio, values });
      }
    } finally {
      started.forEach(({ worker }) => {
        worker.dispose();
      });
    }
  }

  private get name(): string {
    return path.basename(this.options.modelPath, ".gguf");
  }

  private has(key: RecordKey): boolean {
    return this.rows.get(key) !== undefined;
  }

  private key(
    experiment: Experiment,
    name: string,
    { threads, promptTokens, decodeTokens }: MeasureSetup,
  ): RecordKey {
    const { machine, modelPath } = this.options;
    return {
      machine,
      model: path.basename(modelPath),
      experiment,
      name,
      threads,
      promptTokens,
      decodeTokens,
    };
  }
}
