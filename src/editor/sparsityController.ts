import * as vscode from "vscode";
import type { SparsifyResult } from "../engine/protocol";
import { whyAutoIsDense } from "./autoSparsity";
import type { Config } from "./config";
import type { DocumentKeys } from "./documentKeys";
import { modelPath } from "./documentNames";
import { textAt } from "./documentText";
import type { Eligibility } from "./eligibility";
import type { EngineService } from "./engineService";
import { codeOf, isCancelled, messageOf } from "./failures";
import type { Log } from "./log";
import type { MaskMemory } from "./maskMemory";
import { textAbove } from "./notebooks";
import { visibleEditor } from "./visibleEditor";

/** What is known about a document's sparsity. */
export interface DocumentMask {
  readonly result: SparsifyResult;
  /** When it was applied, milliseconds since 1970. */
  readonly at: number;
}

/** What has become of a document's mask. */
export interface MaskChange {
  readonly document: vscode.Uri;
  /** The model now reads other neurons there than before: not for a document that stays dense. */
  readonly runsOtherwise: boolean;
}

interface Tracked {
  mask: DocumentMask | undefined;
  /** Characters inserted or removed since the mask was made. */
  changed: number;
  /** Asked for, but not at a quiet moment yet. */
  wanted: boolean;
  /** The engine has refused this text; it is asked again when the text has changed. */
  failed: boolean;
  /** Times in a row that the engine has crashed over it. */
  crashes: number;
  /** Masks for it that are being made. */
  making: number;
}

const newlyTracked = (wanted: boolean): Tracked => ({
  mask: undefined,
  changed: 0,
  wanted,
  failed: false,
  crashes: 0,
  making: 0,
});

/** A mask that is being made. */
interface Running {
  /** Its URI. */
  readonly document: string;
  readonly controller: AbortController;
  /** It waits for its model: that this becomes another one then is no reason to stop. */
  loading: boolean;
}

interface Making {
  /** The mask remembered for the file will do. */
  readonly remembered: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
}

/** Nobody has typed for this long: a moment for work that a completion should not wait for. */
const IDLE_MS = 1_200;
/** After this share of a document has changed (at least so many characters), its mask is made anew. */
const STALE_SHARE = 0.25;
const STALE_CHARACTERS = 1_500;
/** One crash may have had another cause; after so many a document is left dense until it has changed a good deal. */
const MAX_CRASHES = 2;
/** The engine keeps masks for this many documents; the one not used for longest loses its own. */
const DOCUMENTS_IN_ENGINE = 2;

/**
 * Gives every document that is worked on a mask of its own: when it becomes active, or has changed a good deal, and the user
 * is idle. Completions before that run dense, or on the mask remembered for the file.
 */
export class SparsityController implements vscode.Disposable {
  /** By URI, least recently active first. */
  private readonly documents = new Map<string, Tracked>();
  private timer: NodeJS.Timeout | undefined;
  private running: Running | undefined;
  private readonly changed = new vscode.EventEmitter<MaskChange>();
  /** A document has a mask, or has it anew. */
  readonly onDidChangeMask = this.changed.event;
  private readonly subscriptions: readonly vscode.Disposable[];
  /** Of the model that is loaded: found once, since it takes a look at the whole header. */
  private fingerprint: string | undefined;

  /** @param fingerprintOf the model file's fingerprint, undefined when it cannot be read */
  constructor(
    private readonly engine: Pick<
      EngineService,
      "ready" | "sparsify" | "idleFor" | "sleeping" | "onDidChangeModel"
    >,
    private readonly eligibility: Pick<Eligibility, "checkFile" | "onDidChange">,
    private readonly config: Pick<Config, "settings" | "onDidChange">,
    private readonly memory: MaskMemory | undefined,
    private readonly fingerprintOf: (modelPath: string) => string | undefined,
    private readonly log: Pick<Log, "write">,
    private readonly keys: Pick<DocumentKeys, "of">,
  ) {
    this.subscriptions = [
      // Also when another editor, or another place in it, is active.
      eligibility.onDidChange(() => this.activated()),
      vscode.workspace.onDidChangeTextDocument((event) => this.edited(event)),
      vscode.workspace.onDidCloseTextDocument((document) => this.closed(document)),
      config.onDidChange(({ before, now }) => {
        const keys = ["sparsity", "maxQualityLoss", "metric", "window"] as const;
        if (keys.some((key) => before[key] !== now[key])) {
          this.wantAll({ forgive: true });
        }
      }),
      engine.onDidChangeModel((model) => this.modelChanged(model !== undefined)),
    ];
  }

  /** The mask of a document as the engine has it now. */
  maskOf(document: vscode.TextDocument): DocumentMask | undefined {
    return this.documents.get(document.uri.toString())?.mask;
  }

  /** Looks at the active document, as if it had just been opened. */
  activated(): void {
    const document = vscode.window.activeTextEditor?.document;
    if (document === undefined || this.eligibility.checkFile(document) !== undefined) {
      return;
    }
    const key = document.uri.toString();
    const tracked = this.documents.get(key) ?? newlyTracked(true);
    this.documents.delete(key);
    this.documents.set(key, tracked);
    for (const [other, old] of [...this.documents].slice(0, -DOCUMENTS_IN_ENGINE)) {
      old.mask = undefined;
      old.wanted = true;
      if (!vscode.workspace.textDocuments.some(({ uri }) => uri.toString() === other)) {
        this.documents.delete(other);
      }
    }
    this.postpone();
  }

  /** A completion has told with which share of the neurons it was made: a mask that the engine has given up for others is made again. */
  used(document: vscode.TextDocument, activeRatio: number): void {
    const tracked = this.documents.get(document.uri.toString());
    const lost = tracked?.mask !== undefined && tracked.mask.result.activeRatio < 1 && activeRatio === 1;
    if (lost && tracked.making === 0) {
      tracked.mask = undefined;
      tracked.wanted = true;
      this.changed.fire({ document: document.uri, runsOtherwise: true });
      this.postpone();
    }
  }

  /** Makes the mask of `document` anew, at once. Rejects with a sentence for the user. */
  async recompute(
    document: vscode.TextDocument,
    signal: AbortSignal,
    onProgress: (fraction: number) => void,
  ): Promise<SparsifyResult> {
    this.running?.controller.abort();
    return this.sparsify(document, { remembered: false, signal, onProgress });
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.running?.controller.abort();
    vscode.Disposable.from(...this.subscriptions, this.changed).dispose();
  }

  private edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const tracked = this.documents.get(document.uri.toString());
    if (tracked === undefined) {
      return; // a log that grows is no reason to wait
    }
    const characters = contentChanges.reduce(
      (sum, change) => sum + change.text.length + change.rangeLength,
      0,
    );
    tracked.changed += characters;
    const size = document.offsetAt(new vscode.Position(document.lineCount, 0));
    const stale = tracked.changed > Math.max(STALE_CHARACTERS, STALE_SHARE * size);
    if (stale || (tracked.failed && characters > 0)) {
      tracked.wanted = true;
      tracked.failed = false;
    }
    if (stale) {
      tracked.crashes = 0;
    }
    this.postpone();
  }

  private closed(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    const tracked = this.documents.get(key);
    if (document.isUntitled || tracked?.mask === undefined) {
      this.documents.delete(key);
    } else {
      tracked.wanted = true; // the engine uses its mask again when it is opened again
    }
    if (this.running?.document === key) {
      this.running.controller.abort();
    }
  }

  private modelChanged(loaded: boolean): void {
    if (this.running?.loading === false) {
      this.running.controller.abort();
    }
    this.fingerprint = undefined;
    for (const tracked of this.documents.values()) {
      tracked.mask = undefined;
    }
    this.wantAll({ forgive: !loaded }); // one that is still there is the same in a new process
    if (loaded) {
      this.activated();
    } else {
      clearTimeout(this.timer); // an unloaded model is not loaded for a mask's sake
    }
  }

  private wantAll({ forgive }: { readonly forgive: boolean }): void {
    for (const tracked of this.documents.values()) {
      tracked.wanted = true;
      tracked.failed = false;
      tracked.crashes = forgive ? 0 : tracked.crashes;
    }
    this.postpone();
  }

  /** Something is going on: the quiet moment is later. */
  private postpone(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.quiet(), IDLE_MS);
  }

  /** The document one works on, also while the focus is in a view that is no editor. */
  private current(): vscode.TextDocument | undefined {
    const latest = [...this.documents.keys()].at(-1);
    return (
      vscode.window.activeTextEditor?.document ??
      vscode.workspace.textDocuments.find((document) => document.uri.toString() === latest)
    );
  }

  private async quiet(): Promise<void> {
    const document = this.current();
    const tracked = document === undefined ? undefined : this.documents.get(document.uri.toString());
    if (document === undefined || tracked?.wanted !== true || this.running !== undefined) {
      return;
    }
    if (tracked.crashes >= MAX_CRASHES) {
      return;
    }
    if (this.eligibility.checkFile(document) !== undefined || this.engine.sleeping) {
      return;
    }
    if (this.engine.idleFor() < IDLE_MS / 2) {
      this.postpone();
      return;
    }
    const controller = new AbortController();
    const running: Running = { document: document.uri.toString(), controller, loading: true };
    this.running = running;
    try {
      await this.engine.ready();
      running.loading = false;
      await this.sparsify(document, { remembered: true, signal: controller.signal });
    } catch (error) {
      tracked.failed = !isCancelled(error);
      if (codeOf(error) === "engine-crashed") {
        tracked.crashes++;
      }
      this.log.write(
        isCancelled(error) ? "debug" : "warn",
        `No mask for ${modelPath(document.uri)}: ${messageOf(error)}`,
      );
    } finally {
      this.running = undefined;
      this.postpone();
    }
  }

  private async sparsify(document: vscode.TextDocument, options: Making): Promise<SparsifyResult> {
    const key = document.uri.toString();
    const tracked = this.documents.get(key) ?? newlyTracked(false);
    tracked.wanted = false;
    tracked.changed = 0;
    tracked.making++;
    try {
      return await this.make(document, tracked, options);
    } finally {
      tracked.making--;
    }
  }

  private async make(
    document: vscode.TextDocument,
    tracked: Tracked,
    options: Making,
  ): Promise<SparsifyResult> {
    const { maxQualityLoss, metric, window } = this.config.settings;
    const key = document.uri.toString();
    const cursor = visibleEditor(document)?.selection.active ?? new vscode.Position(0, 0);
    const { prefix: own, suffix } = textAt(document, cursor);
    const prefix = textAbove(document) + own;
    const model = await this.engine.ready();
    const wanted = this.config.settings.sparsity;
    const why = wanted === "auto" ? whyAutoIsDense(model) : undefined;
    const sparsity = why === undefined ? wanted : "dense";
    const text = prefix + suffix;
    const mask =
      options.remembered && sparsity !== "dense" ? await this.recall(model.path, key, text) : undefined;
    const applied = await this.engine.sparsify(
      {
        path: modelPath(document.uri),
        document: this.keys.of(document),
        prefix,
        suffix,
        sparsity,
        metric,
        windowTokens: window,
        maxQualityLoss,
        faster: true,
        ...(mask === undefined ? {} : { mask }),
      },
      { signal: options.signal, onItem: ({ fraction }) => options.onProgress?.(fraction) },
    );
    const result = why === undefined ? applied : { ...applied, why };
    const dense = ({ source }: SparsifyResult): boolean => source === "dense";
    const runsOtherwise = !dense(result) || (tracked.mask !== undefined && !dense(tracked.mask.result));
    tracked.mask = { result, at: Date.now() };
    tracked.crashes = 0;
    if (!document.isClosed) {
      this.documents.set(key, tracked);
    }
    this.log.write(
      "info",
      `${modelPath(document.uri)}: ${Math.round(result.activeRatio * 100)} % of the FFN (${result.source}` +
        `${result.why === undefined ? "" : `: ${result.why}`}), attribution ${Math.round(result.attribution.ms)} ms, packing ${Math.round(result.packing.ms)} ms`,
    );
    if (result.source === "attributed" && result.mask !== undefined) {
      await this.memory?.remember(key, text, result.mask);
    }
    this.changed.fire({ document: document.uri, runsOtherwise });
    return result;
  }

  private async recall(modelFile: string, document: string, text: string): Promise<Uint8Array | undefined> {
    const { sparsity, metric } = this.config.settings;
    if (sparsity === "dense") {
      return undefined;
    }
    const modelFingerprint = (this.fingerprint ??= this.fingerprintOf(modelFile));
    return modelFingerprint === undefined
      ? undefined
      : this.memory?.recall({ modelFingerprint, document, text, metric, sparsity });
  }
}
