import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { DocumentKeys } from "../../src/editor/documentKeys";
import { DocumentSyntax } from "../../src/editor/documentSyntax";
import { EngineService } from "../../src/editor/engineService";
import { Generator } from "../../src/editor/generator";
import { InlineProvider } from "../../src/editor/inlineProvider";
import { defaultSettings, type Settings } from "../../src/editor/settings";
import type { MaskChange } from "../../src/editor/sparsityController";
import { EngineClient, forkEngine } from "../../src/engine/client";
import { grammarFolder } from "../../src/syntax/folder";
import { EXTENSION_ID } from "./helpers";

/** This file is bundled into dist/test/host. */
const ROOT = path.resolve(__dirname, "../../..");

/** What the engine's double does; times in milliseconds. */
export interface SlowEngineScript {
  /** Until the first token of a completion. */
  readonly firstMs?: number;
  readonly tokenMs?: number;
  readonly loadMs?: number;
  /** What is written after a prefix that ends with `after`; the last that fits counts. */
  readonly answers?: readonly { readonly after: string; readonly text: string }[];
  /** Told as the prompt tokens of a completion. */
  readonly promptTokens?: number;
  readonly activeRatio?: number;
  /** A completion's time is over after this, whatever the request says. */
  readonly deadlineMs?: number;
  /** Cancelled requests are answered as if nothing had happened. */
  readonly ignoresCancel?: boolean;
}

/** Something that has happened in the engine's double. */
export interface SlowEngineEvent {
  readonly event: "load" | "complete" | "warm" | "sparsify" | "stats" | "unload" | "cancel" | "answered";
  readonly id: number;
  readonly prefix?: string;
  /** What tells the document apart, and what the model knows it by. */
  readonly document?: string;
  readonly path?: string;
  readonly method?: string;
  readonly how?: "whole" | "cancelled" | "deadline";
}

/**
 * The extension's own parts from the ghost text down to the engine client, over a process that answers as slowly as asked. The extension that is
 * installed has to be switched off meanwhile.
 */
export class SlowEngine implements vscode.Disposable {
  private readonly folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-slow-"));
  private readonly script = path.join(this.folder, "script.json");
  private readonly configChanged = new vscode.EventEmitter<{ before: Settings; now: Settings }>();
  /** To tell of a mask. */
  readonly maskChanged = new vscode.EventEmitter<MaskChange>();
  private settingsNow: Settings;
  private readonly keys = new DocumentKeys();
  private readonly syntax = new DocumentSyntax(grammarFolder(ROOT));
  readonly config;
  readonly service: EngineService;
  readonly generator: Generator;
  readonly provider: InlineProvider;

  constructor(settings: Partial<Settings> = {}) {
    this.answer({});
    const model = path.join(this.folder, "slow.gguf");
    writeFileSync(model, "slow");
    this.settingsNow = { ...defaultSettings(), model, threads: 1, ...settings };
    const current = (): Settings => this.settingsNow;
    this.config = {
      get settings() {
        return current();
      },
      onDidChange: this.configChanged.event,
    };
    const hostPath = path.join(ROOT, "test/host/support/slowEngine.mjs");
    this.service = new EngineService(
      (callbacks) =>
        new EngineClient({
          ...callbacks,
          spawn: () => forkEngine({ hostPath, env: { SLOW_ENGINE: this.script } }),
        }),
      (setting) => setting,
      this.config,
      { write: () => undefined },
      {
        states: path.join(this.folder, "states"),
        heads: path.join(this.folder, "heads"),
        paces: path.join(this.folder, "paces.json"),
      },
    );
    const context = { of: () => ({ files: [], edits: "" }) };
    this.generator = new Generator(this.service, this.config, context, this.keys);
    this.provider = new InlineProvider(
      this.service,
      this.generator,
      { check: () => undefined, onBattery: true }, // nothing is generated ahead
      { onDidChangeMask: this.maskChanged.event },
      this.config,
      this.syntax,
      { of: () => undefined },
      EXTENSION_ID,
    );
  }

  /** From the next request on. */
  answer(script: SlowEngineScript): void {
    writeFileSync(this.script, JSON.stringify(script));
  }

  /** As a change of settings by the user. */
  set(settings: Partial<Settings>): void {
    const before = this.settingsNow;
    this.settingsNow = { ...before, ...settings };
    this.configChanged.fire({ before, now: this.settingsNow });
  }

  /** What has happened so far. */
  get events(): readonly SlowEngineEvent[] {
    const log = `${this.script}.log`;
    const lines = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
    return lines.map((line) => JSON.parse(line) as SlowEngineEvent);
  }

  dispose(): void {
    vscode.Disposable.from(
      ...[
        this.provider,
        this.generator,
        this.keys,
        this.syntax,
        this.service,
        this.configChanged,
        this.maskChanged,
      ],
    ).dispose();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
