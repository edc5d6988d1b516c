import * as vscode from "vscode";
import type { EngineService } from "./engineService";
import type { History } from "./history";
import type { Generator } from "./generator";
import type { MeasuredStore } from "./measuredStore";
import type { SparsityController } from "./sparsityController";
import type { StatisticsStore } from "./statisticsStore";

export interface Records {
  readonly history: History;
  readonly statistics: StatisticsStore;
  readonly measured: MeasuredStore;
}

/** Writes down what completions cost: for the dashboard, the statistics and the choice of sparsity. Nothing leaves the machine. */
export class Recorder implements vscode.Disposable {
  private readonly subscriptions: vscode.Disposable;

  constructor(
    private readonly engine: EngineService,
    generator: Generator,
    sparsity: SparsityController,
    private readonly records: Records,
  ) {
    this.subscriptions = vscode.Disposable.from(
      generator.onDidComplete(({ document, result, latencyMs, isServed }) => {
        const { decode, activeRatio } = result;
        this.records.history.addPrompt(result.prefill);
        const time = Date.now();
        if (latencyMs !== undefined) {
          this.records.statistics.add({ kind: "latency", ms: latencyMs });
        }
        if (decode.tokens > 0 && latencyMs !== undefined) {
          this.records.history.addCompletion({
            time,
            latencyMs,
            activeRatio,
            tokensPerSecond: decode.tokensPerSecond,
          });
        }
        if (!isServed) {
          sparsity.used(document, activeRatio);
          void this.readMemory(activeRatio, decode);
        }
      }),
      sparsity.onDidChangeMask(() => void this.readMemory()),
      generator.onDidWarm(({ prefill }) => this.records.history.addPrompt(prefill)),
      engine.onDidChangeModel((model) => {
        if (model !== undefined) {
          this.records.history.begin(model.path);
        }
        void this.readMemory();
      }),
    );
  }

  dispose(): void {
    this.subscriptions.dispose();
  }

  private async readMemory(
    activeRatio?: number,
    decode?: { readonly tokens: number; readonly tokensPerSecond: number },
  ): Promise<void> {
    const stats = await this.engine.stats();
    const model = this.engine.model?.path;
    if (stats === undefined || model === undefined) {
      return;
    }
    const { residentBytes, packedBytes, mappedBytes } = stats;
    this.records.history.addMemory({ time: Date.now(), residentBytes, packedBytes, mappedBytes });
    if (activeRatio !== undefined && decode !== undefined) {
      await this.records.measured.add(model, activeRatio, decode, residentBytes);
    }
  }
}
