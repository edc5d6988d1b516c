import * as vscode from "vscode";
import type { RequestOptions } from "../engine/client";
import type {
  CompleteItem,
  CompleteRequest,
  CompleteResult,
  ModelInfo,
  WarmRequest,
  WarmResult,
} from "../engine/protocol";
import type { Config } from "./config";
import type { EngineService } from "./engineService";
import type { ServerService } from "./server/serverService";

/** What gathering context needs to know of a model, wherever it is. */
export type ModelLimits = Pick<ModelInfo, "contextSize" | "hasEdits">;

/**
 * Where completions come from: the server that is set while it answers; while it is away the engine on this machine, or nobody, as set. A request
 * that finds the server gone is rejected; the next one goes elsewhere.
 */
export class CompletionSource implements vscode.Disposable {
  private readonly modelChanged = new vscode.EventEmitter<ModelLimits | undefined>();
  /** Another model completes: what was suggested before is void. */
  readonly onDidChangeModel = this.modelChanged.event;
  private readonly subscriptions: readonly vscode.Disposable[];
  private wasServed: boolean;

  constructor(
    private readonly engine: Pick<
      EngineService,
      "complete" | "warm" | "model" | "sleeping" | "onDidChangeModel" | "standBy" | "ready"
    >,
    private readonly server: Pick<
      ServerService,
      "complete" | "warm" | "served" | "answers" | "state" | "onDidChange"
    >,
    private readonly config: Pick<Config, "settings" | "onDidChange">,
  ) {
    this.wasServed = this.isServed;
    this.subscriptions = [
      engine.onDidChangeModel((model) => (this.isServed ? undefined : this.modelChanged.fire(model))),
      server.onDidChange(() => this.followed()),
      config.onDidChange(({ before, now }) =>
        before.serverFallback === now.serverFallback ? undefined : this.followed(),
      ),
    ];
    this.followed();
  }

  /** Completions come from the server, or would if there were one. */
  get isServed(): boolean {
    return this.server.answers || (this.server.state.kind !== "none" && !this.fallsBack);
  }

  /** Of the model that completes, if it is there. */
  get model(): ModelLimits | undefined {
    return this.isServed ? this.server.served : this.engine.model;
  }

  /** Nobody should wake the model for what nobody has asked for. */
  get sleeping(): boolean {
    return !this.isServed && this.engine.sleeping;
  }

  complete(request: CompleteRequest, options: RequestOptions<CompleteItem>): Promise<CompleteResult> {
    return this.isServed ? this.server.complete(request, options) : this.engine.complete(request, options);
  }

  warm(request: WarmRequest, options: RequestOptions): Promise<WarmResult> {
    return this.isServed ? this.server.warm(request, options) : this.engine.warm(request, options);
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions, this.modelChanged).dispose();
  }

  private get fallsBack(): boolean {
    return this.config.settings.serverFallback === "local";
  }

  private followed(): void {
    const { isServed } = this;
    this.engine.standBy(isServed);
    const takesOver = this.wasServed && !isServed && this.server.state.kind !== "none";
    if (takesOver && this.config.settings.enabled) {
      this.engine.ready().catch(() => undefined); // so that the next key need not wait for it; the engine's state tells
    }
    const isNew = isServed ? this.server.state.kind === "up" : this.wasServed;
    this.wasServed = isServed;
    if (isNew) {
      this.modelChanged.fire(this.model);
    }
  }
}
