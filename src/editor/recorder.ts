import * as vscode from "vscode";
import type { CompletionSource } from "./completionSource";
import type { EngineService } from "./engineService";
import type { History } from "./history";
import type { Generator } from "./generator";
import type { MeasuredStore } from "./measuredStore";
import type { ServerService } from "./server/serverService";
import { servedRow } from "./server/serverStatus";
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
    private readonly engine: Pick<EngineService, "model" | "stats" | "onDidChangeModel">,
    private readonly source: Pick<CompletionSource, "isServed" | "onDidChangeModel">,
    private readonly server: Pick<ServerService, "served">,
    generator: Pick<Generator, "onDidComplete" | "onDidWarm">,
    sparsity: Pick<SparsityController, "used" | "onDidChangeMask">,
    private readonly records: Records,
  ) {
    this.subscriptions = vscode.Disposable.from(
      generator.onDidComplete(({ document, result, latencyMs, isServed }) => {
        const { decode, activeRatio } = result;
        if (latencyMs !== undefined) {
          this.records.statistics.add({ kind: "latency", ms: latencyMs });
        }
        if (!isServed) {
          sparsity.used(document, activeRatio);
          void this.readMemory(activeRatio, decode);
        }
        if (isServed !== this.source.isServed) {
          return; // of who completed before: the charts are another's by now
        }
        this.records.history.addPrompt(result.prefill);
        const time = Date.now();
        if (decode.tokens > 0 && latencyMs !== undefined) {
          this.records.history.addCompletion({
            time,
            latencyMs,
            activeRatio,
            tokensPerSecond: decode.tokensPerSecond,
          });
        }
      }),
      sparsity.onDidChangeMask(() => void this.readMemory()),
      generator.onDidWarm(({ prefill }) => this.records.history.addPrompt(prefill)),
      source.onDidChangeModel(() => this.follow()),
      engine.onDidChangeModel(() => void this.readMemory()),
    );
    this.follow();
  }

  dispose(): void {
    this.subscriptions.dispose();
  }

  /** Charts are of one model: the one that completes now. */
  private follow(): void {
    const { served } = this.server;
    const model = this.source.isServed ? served && servedRow(served) : this.engine.model?.path;
    if (model !== undefined) {
      this.records.history.begin(model);
    }
  }

  private async readMemory(
    activeRatio?: number,
    decode?: { readonly tokens: number; readonly tokensPerSecond: number },
  ): Promise<void> {
    const model = this.engine.model?.path;
    const stats = await this.engine.stats();
    if (stats === undefined || model === undefined || this.engine.model?.path !== model) {
      return;
    }
    const { residentBytes, packedBytes, mappedBytes } = stats;
    if (!this.source.isServed) {
      this.records.history.addMemory({ time: Date.now(), residentBytes, packedBytes, mappedBytes });
    }
    if (activeRatio !== undefined && decode !== undefined) {
      await this.records.measured.add(model, activeRatio, decode, residentBytes);
    }
  }
}
