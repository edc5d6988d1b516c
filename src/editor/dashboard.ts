import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { percentile } from "../completion/statistics";
import type { ActiveDocument } from "./activeDocument";
import type { Config } from "./config";
import type { DashboardData, FromDashboard, ToDashboard } from "./dashboardData";
import { dashboardPage } from "./dashboardPage";
import { modelPath } from "./documentNames";
import type { CompletionSource } from "./completionSource";
import type { EngineService } from "./engineService";
import type { History } from "./history";
import type { ServerService } from "./server/serverService";
import { servedRow } from "./server/serverStatus";
import type { SparsityController } from "./sparsityController";
import type { StatisticsStore } from "./statisticsStore";
import type { StatusBar } from "./statusBar";

const REFRESH_MS = 1_000;
const DAYS = 30;

export interface DashboardSources {
  readonly active: ActiveDocument;
  readonly engine: EngineService;
  readonly source: Pick<CompletionSource, "isServed">;
  readonly server: Pick<ServerService, "served">;
  readonly sparsity: SparsityController;
  readonly config: Config;
  readonly history: History;
  readonly statistics: StatisticsStore;
  readonly statusBar: StatusBar;
}

/** The panel with charts; one at most. */
export class Dashboard implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private timer: NodeJS.Timeout | undefined;
  private sent = "";

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly sources: DashboardSources,
  ) {}

  show(): void {
    if (this.panel !== undefined) {
      this.panel.reveal();
      return;
    }
    const root = vscode.Uri.joinPath(this.extensionUri, "dist", "media");
    const panel = vscode.window.createWebviewPanel(
      "lacuna.dashboard",
      "Lacuna Dashboard",
      vscode.ViewColumn.Beside,
      {
        enableScripts: true,
        localResourceRoots: [root],
      },
    );
    this.panel = panel;
    const { webview } = panel;
    webview.onDidReceiveMessage((message: FromDashboard) => this.received(message));
    panel.onDidDispose(() => {
      clearInterval(this.timer);
      this.panel = undefined;
    });
    webview.html = dashboardPage({
      script: webview.asWebviewUri(vscode.Uri.joinPath(root, "dashboard.js")).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(root, "dashboard.css")).toString(),
      cspSource: webview.cspSource,
      nonce: randomBytes(16).toString("base64url"),
    });
    this.timer = setInterval(() => this.refresh(), REFRESH_MS);
  }

  dispose(): void {
    clearInterval(this.timer);
    this.panel?.dispose();
  }

  private received(message: FromDashboard): void {
    if (message.type === "ready") {
      this.sent = "";
      this.refresh();
    } else if (message.command.startsWith("lacuna.")) {
      void vscode.commands.executeCommand(message.command);
    }
  }

  private refresh(): void {
    if (this.panel?.visible !== true) {
      return;
    }
    const data = this.data();
    const json = JSON.stringify(data);
    if (json !== this.sent) {
      this.sent = json;
      void this.panel.webview.postMessage({ type: "data", data } satisfies ToDashboard);
    }
  }

  private data(): DashboardData {
    const { history, statistics, statusBar } = this.sources;
    const { days, latencies } = statistics.data;
    const [p50, p95] = [percentile(latencies, 0.5), percentile(latencies, 0.95)];
    return {
      status: statusBar.view.text.replace(/^\$\([^)]*\)\s*/, ""),
      ...this.model(),
      read: history.read,
      completions: history.completions,
      memory: history.memory,
      days: Object.entries(days)
        .map(([day, counts]) => ({ day, ...counts }))
        .slice(-DAYS),
      ...(p50 === undefined || p95 === undefined ? {} : { latencyP50: p50, latencyP95: p95 }),
      ...this.mask(),
    };
  }

  private model(): Pick<DashboardData, "model"> {
    const { engine, source, server } = this.sources;
    if (source.isServed) {
      return server.served === undefined ? {} : { model: servedRow(server.served) };
    }
    const { model } = engine;
    return model === undefined
      ? {}
      : {
          model: `${model.name}, ${model.architecture}, ${(model.parameters / 1e6).toFixed(1)} M parameters, ${model.layerCount} layers`,
        };
  }

  private mask(): Pick<DashboardData, "mask"> {
    const { engine, source, sparsity, config, active } = this.sources;
    const document = source.isServed ? undefined : active.current;
    const result = document === undefined ? undefined : sparsity.maskOf(document)?.result;
    if (document === undefined || result === undefined) {
      return {};
    }
    return {
      mask: {
        file: modelPath(document.uri),
        activeRatio: result.activeRatio,
        source: result.source,
        rows: result.rows,
        ffnSize: engine.model?.ffnSize ?? [],
        bins: result.heatmap.bins,
        heatmap: Array.from(result.heatmap.values, (share) => Math.round(share * 1000) / 1000),
        guard: result.guard,
        maxQualityLoss: config.settings.maxQualityLoss,
      },
    };
  }
}
