import * as vscode from "vscode";
import { isWritableScheme, whyNot, type Ineligible, type Reason } from "../completion/eligibility";
import type { Battery } from "./battery";
import type { Config } from "./config";
import { visibleEditor } from "./visibleEditor";

/** The last that `whyNot` looks for: they say nothing of a file. */
const OF_THE_MOMENT: ReadonlySet<Reason> = new Set(["editor", "selection", "cursors"]);

/** Decides whether a document may have completions now, and says why not. */
export class Eligibility implements vscode.Disposable {
  private snoozedUntil: number | undefined;
  private snoozeTimer: NodeJS.Timeout | undefined;
  /** Documents whose file cannot be written, found in the background. */
  private readonly readOnly = new Map<string, boolean>();
  private readonly changed = new vscode.EventEmitter<void>();
  /** Something has changed that may matter to {@link check}. */
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    private readonly config: Pick<Config, "settings" | "onDidChange">,
    private readonly battery: Pick<Battery, "discharging" | "onDidChange">,
  ) {
    const fire = (): void => this.changed.fire();
    this.subscriptions = [
      config.onDidChange(fire),
      battery.onDidChange(fire),
      vscode.workspace.onDidGrantWorkspaceTrust(fire),
      vscode.workspace.onDidChangeConfiguration((event) =>
        event.affectsConfiguration(ASKS) ? fire() : undefined,
      ),
      vscode.window.onDidChangeTextEditorSelection(fire),
      vscode.window.onDidChangeActiveTextEditor(fire),
      vscode.workspace.onDidSaveTextDocument((document) => this.readOnly.delete(document.uri.toString())),
      vscode.workspace.onDidCloseTextDocument((document) => this.readOnly.delete(document.uri.toString())),
    ];
  }

  /** Why `document` has no completions, or undefined when it may have. On battery, who asks for one may have it. */
  check(
    document: vscode.TextDocument,
    purpose: "automatic" | "invoked" = "automatic",
  ): Ineligible | undefined {
    const selections = visibleEditor(document)?.selections ?? [];
    return whyNot(
      {
        path: document.uri.path,
        scheme: document.uri.scheme,
        language: document.languageId,
        size: sizeOf(document),
        readOnly: this.isReadOnly(document),
        selectionActive: selections.some((selection) => !selection.isEmpty),
        cursors: selections.length,
      },
      {
        enabled: this.config.settings.enabled,
        snoozedUntil: this.snoozedUntil,
        now: Date.now(),
        workspaceTrusted: vscode.workspace.isTrusted,
        onBattery: this.battery.discharging && purpose === "automatic",
        onlyInvoked: purpose === "automatic" && !asksByItself(document),
      },
      this.config.settings,
    );
  }

  /** Why the file of `document` has no completions, whatever is selected in it just now; who asks for one may have it. */
  checkFile(document: vscode.TextDocument): Ineligible | undefined {
    const found = this.check(document);
    return found !== undefined && OF_THE_MOMENT.has(found.reason) ? undefined : found;
  }

  get onBattery(): boolean {
    return this.battery.discharging;
  }

  get snoozed(): boolean {
    return this.snoozedUntil !== undefined && Date.now() < this.snoozedUntil;
  }

  /** No completions for `minutes`; 0 ends a snooze. */
  snooze(minutes: number): void {
    clearTimeout(this.snoozeTimer);
    this.snoozedUntil = minutes > 0 ? Date.now() + minutes * 60_000 : undefined;
    if (minutes > 0) {
      this.snoozeTimer = setTimeout(() => this.snooze(0), minutes * 60_000);
    }
    this.changed.fire();
  }

  dispose(): void {
    clearTimeout(this.snoozeTimer);
    vscode.Disposable.from(...this.subscriptions, this.changed).dispose();
  }

  private isReadOnly(document: vscode.TextDocument): boolean {
    const { scheme } = document.uri;
    if (!isWritableScheme(scheme, vscode.workspace.fs.isWritableFileSystem(scheme))) {
      return true;
    }
    const key = document.uri.toString();
    const known = this.readOnly.get(key);
    if (known === undefined) {
      this.readOnly.set(key, false);
      void this.findReadOnly(document.uri).then((found) => {
        if (found) {
          this.readOnly.set(key, true);
          this.changed.fire();
        }
      });
    }
    return known ?? false;
  }

  private async findReadOnly(uri: vscode.Uri): Promise<boolean> {
    const { permissions = 0 } = await Promise.resolve(vscode.workspace.fs.stat(uri)).catch(() => ({
      permissions: 0,
    }));
    return (permissions & vscode.FilePermission.Readonly) !== 0;
  }
}

/** The editor's own switch; a language may have another value. */
const ASKS = "editor.inlineSuggest.enabled";

const asksByItself = (document: vscode.TextDocument): boolean =>
  vscode.workspace.getConfiguration(undefined, document).get<boolean>(ASKS) !== false;

/** Length in code units without copying the text: the offset of its end. */
const sizeOf = (document: vscode.TextDocument): number =>
  document.offsetAt(new vscode.Position(document.lineCount, 0));
