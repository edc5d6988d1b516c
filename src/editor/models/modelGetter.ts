import path from "node:path";
import * as vscode from "vscode";
import { catalogue } from "../../models/catalogue/catalogue";
import { bytesPerToken, type Measured } from "../../models/catalogue/estimate";
import { measureMachine, type Machine } from "../../models/catalogue/machine";
import { Downloader, type Downloaded } from "../../models/download/downloader";
import { DownloadError, size } from "../../models/download/errors";
import { defaultFolder } from "../../models/download/folder";
import { progressText } from "../../models/download/progressText";
import type { Progress } from "../../models/download/transfer";
import type { CommandId } from "../commandIds";
import type { Config } from "../config";
import type { EngineService } from "../engineService";
import { messageOf } from "../failures";
import type { Log } from "../log";
import { measuredAt } from "../measured";
import type { MeasuredStore } from "../measuredStore";
import { pathOf } from "../modelFiles";
import { chooseModel, type Chosen } from "./chooseModel";
import { remediesFor } from "./remedies";

const TOKEN = "lacuna.hubToken";
/** Milliseconds between two changes of what is shown. */
const SHOW_EVERY = 250;
/** Milliseconds for which one can read what a server did wrong, though the download goes on at once. */
const SHOW_PROBLEM = 4_000;

/**
 * `Lacuna: Get a Model`: which models suit this machine, the download with its progress, and the model put to use. Nothing is fetched
 * before the user has chosen it.
 */
export class ModelGetter implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "lacuna.download",
    vscode.StatusBarAlignment.Right,
    99,
  );
  private readonly closing = new AbortController();
  /** Addresses of what is under way. */
  private readonly fetching = new Set<string>();
  private machine: Promise<Machine> | undefined;
  private downloader: { readonly key: string; readonly one: Downloader } | undefined;

  constructor(
    private readonly config: Config,
    private readonly engine: EngineService,
    private readonly measured: MeasuredStore,
    private readonly secrets: vscode.SecretStorage,
    private readonly log: Log,
  ) {
    this.item.name = "Lacuna: Download";
  }

  /** Where downloaded models are kept. */
  get folder(): string {
    const { modelFolder } = this.config.settings;
    return modelFolder === "" ? defaultFolder() : pathOf(modelFolder);
  }

  /** What the status bar shows of a download, if there is one. */
  get shown(): string | undefined {
    return this.item.text === "" ? undefined : this.item.text;
  }

  /** Asks for a model, fetches it and puts it to use. */
  async choose(): Promise<void> {
    const chosen = await chooseModel((signal) => this.measure(signal), this.known());
    if (chosen !== undefined) {
      await this.fetchAndUse(chosen);
    }
  }

  /** Fetches a model with its progress shown, and puts it to use; asks for a token where one is wanted. */
  async fetchAndUse(chosen: Chosen): Promise<void> {
    for (;;) {
      try {
        const done = await this.fetch(chosen);
        if (done !== undefined) {
          await this.use(chosen, done);
        }
        return;
      } catch (error) {
        this.log.write("warn", `Getting ${chosen.title}: ${messageOf(error)}`);
        if (!(await this.again(error, chosen))) {
          return;
        }
      }
    }
  }

  /**
   * The download with its progress; undefined when it was cancelled. Throws a {@link DownloadError}, also when it is under way already: its
   * notification is the one to look at, and to cancel it.
   */
  async fetch(chosen: Chosen): Promise<Downloaded | undefined> {
    const { address } = chosen.wanted;
    if (this.fetching.has(address)) {
      throw new DownloadError("in-progress", "This is being fetched already, as its notification shows.");
    }
    this.fetching.add(address);
    try {
      return await this.download(chosen);
    } finally {
      this.fetching.delete(address);
    }
  }

  private async download({ title, wanted }: Chosen): Promise<Downloaded | undefined> {
    const downloader = await this.current();
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: `Lacuna: getting ${title}`,
      cancellable: true,
    };
    return vscode.window.withProgress(options, async (report, token) => {
      const controller = new AbortController();
      const cancel = token.onCancellationRequested(() => controller.abort());
      const signal = AbortSignal.any([controller.signal, this.closing.signal]);
      const shown = this.reporter(title, report);
      try {
        const done = await downloader.get(wanted, signal, shown.tell);
        await downloader.settle();
        return done;
      } catch (error) {
        if (!signal.aborted) {
          throw error;
        }
        vscode.window.setStatusBarMessage(
          `Lacuna: ${title} was not fetched to its end; it goes on from there next time.`,
          8_000,
        );
        return undefined;
      } finally {
        cancel.dispose();
        shown.end();
      }
    });
  }

  dispose(): void {
    this.closing.abort();
    this.item.dispose();
  }

  private async use({ title }: Chosen, done: Downloaded): Promise<void> {
    await this.config.set("model", done.path);
    await this.engine.ready();
    const checked = done.verified ? "" : " Nobody said which hash it should have.";
    void vscode.window.showInformationMessage(
      `${title} completes from now on (${size(done.bytes)}).${checked}`,
    );
  }

  /** Tells what went wrong; true when it is to be tried once more. */
  private async again(error: unknown, { title }: Chosen): Promise<boolean> {
    const remedies = remediesFor(error);
    const show =
      remedies.length === 0 ? vscode.window.showInformationMessage : vscode.window.showErrorMessage;
    for (;;) {
      switch (await show(`${title}: ${messageOf(error)}`, ...remedies)) {
        case "Try Again":
          return true;
        case "Give a Token":
          return this.askToken();
        case "Open the Terms":
          await vscode.env.openExternal(vscode.Uri.parse((error as DownloadError).terms!));
          continue;
        case "Choose Another":
          void vscode.commands.executeCommand("lacuna.getModel" satisfies CommandId);
          return false;
        case "Select Model":
          void vscode.commands.executeCommand("lacuna.selectModel" satisfies CommandId);
          return false;
        case "Open Settings":
          void vscode.commands.executeCommand("workbench.action.openSettings", "lacuna.modelFolder");
          return false;
        case undefined:
          return false;
      }
    }
  }

  private async askToken(): Promise<boolean> {
    const token = await vscode.window.showInputBox({
      title: "Lacuna: Get a Model",
      prompt:
        "Access token of yours, kept in VS Code's secret storage and sent to the hub alone; empty removes it",
      placeHolder: "hf_…",
      password: true,
      ignoreFocusOut: true,
    });
    if (token === undefined) {
      return false;
    }
    await (token.trim() === "" ? this.secrets.delete(TOKEN) : this.secrets.store(TOKEN, token.trim()));
    return true;
  }

  /** One downloader for all calls with the same settings: it knows what it fetches already. */
  private async current(): Promise<Downloader> {
    const { modelMirror } = this.config.settings;
    const options = {
      folder: this.folder,
      mirror: modelMirror === "" ? undefined : modelMirror,
      token: await this.secrets.get(TOKEN),
    };
    const key = JSON.stringify(options);
    if (this.downloader?.key !== key) {
      this.downloader = { key, one: new Downloader(options) };
    }
    return this.downloader.one;
  }

  private measure(signal: AbortSignal): Promise<Machine> {
    this.machine ??= measureMachine(signal);
    this.machine.catch(() => (this.machine = undefined));
    return this.machine;
  }

  /** The dense speed of a model of the catalogue that has completed on this machine. */
  private known(): Measured | undefined {
    const { data } = this.measured;
    for (const model of Object.keys(data).reverse()) {
      const seen = measuredAt(data, model, 1);
      for (const entry of catalogue) {
        const file = entry.files.find(({ address }) => address.includes(`/${path.basename(model)}`));
        if (seen !== undefined && file !== undefined) {
          const { tokensPerSecond } = seen;
          const { layers } = entry.shape;
          return { bytesPerToken: bytesPerToken(entry, file), layers, tokensPerSecond };
        }
      }
    }
    return undefined;
  }

  /** Shows progress in the notification and in the status bar, a few times in a second; what came last is always shown. */
  private reporter(
    title: string,
    report: vscode.Progress<{ message?: string; increment?: number }>,
  ): { readonly tell: (progress: Progress) => void; readonly end: () => void } {
    let told = 0;
    let latest: Progress | undefined;
    let problem: { readonly text: string; readonly until: number } | undefined;
    let timer: NodeJS.Timeout | undefined;
    const show = (): void => {
      if (latest === undefined) {
        timer = undefined;
        return;
      }
      const { received, total } = latest;
      if (problem !== undefined && Date.now() > problem.until) {
        problem = undefined;
      }
      const text = progressText(problem === undefined ? latest : { ...latest, problem: problem.text });
      const done = total === undefined || total === 0 ? 0 : Math.min(100, (100 * received) / total);
      report.report({ message: text, increment: Math.max(0, done - told) });
      told = Math.max(told, done);
      this.item.text = `$(${problem === undefined ? "cloud-download" : "warning"}) ${total === undefined ? progressText(latest) : `${Math.floor(done)} %`}`;
      this.item.tooltip = `Lacuna: getting ${title}, ${text}`;
      this.item.show();
      latest = undefined;
      timer = setTimeout(show, SHOW_EVERY);
    };
    return {
      tell: (progress) => {
        latest = progress;
        if (progress.problem !== undefined) {
          problem = { text: progress.problem, until: Date.now() + SHOW_PROBLEM };
        }
        if (timer === undefined) {
          show();
        }
      },
      end: () => {
        clearTimeout(timer);
        this.item.text = "";
        this.item.hide();
      },
    };
  }
}
