import * as vscode from "vscode";
import { languageEnabled } from "../completion/eligibility";
import { findModels, tuningOfFile } from "../models/discovery/discovery";
import type { ActiveDocument } from "./activeDocument";
import type { CommandId } from "./commandIds";
import type { Config } from "./config";
import type { Dashboard } from "./dashboard";
import type { Eligibility } from "./eligibility";
import type { EngineService } from "./engineService";
import { isCancelled, messageOf } from "./failures";
import type { Log } from "./log";
import type { MeasuredStore } from "./measuredStore";
import type { CompletionSource } from "./completionSource";
import type { ServerService } from "./server/serverService";
import { LOCAL_ONLY } from "./server/serverStatus";
import type { ModelGetter } from "./models/modelGetter";
import { titleOf } from "./models/chooseModel";
import { pickModel, pickSnooze, pickSparsity } from "./pickers";
import { parseSparsity } from "./settings";
import type { SparsityController } from "./sparsityController";
import { percent } from "./statusText";

export interface CommandContext {
  readonly active: ActiveDocument;
  readonly engine: EngineService;
  readonly source: CompletionSource;
  readonly server: ServerService;
  readonly sparsity: SparsityController;
  readonly eligibility: Eligibility;
  readonly config: Config;
  readonly dashboard: Dashboard;
  readonly measured: MeasuredStore;
  readonly models: ModelGetter;
  readonly log: Log;
  readonly bundledModel: string | undefined;
  readonly extensionId: string;
}

type Command = (context: CommandContext, ...args: readonly unknown[]) => unknown;

/** Every command and what it does. Arguments are for key bindings and tests; a person is asked instead. */
const TABLE: Readonly<Record<CommandId, Command>> = {
  "lacuna.complete": () => vscode.commands.executeCommand("editor.action.inlineSuggest.trigger"),

  "lacuna.setSparsity": async ({ active, config, sparsity, engine, source, measured }, given) => {
    const document = active.current;
    const mask = document === undefined ? undefined : sparsity.maskOf(document)?.result;
    const value =
      parseSparsity(given) ??
      (await pickSparsity({
        current: config.settings.sparsity,
        maxQualityLoss: config.settings.maxQualityLoss,
        model: engine.model?.path,
        measured: measured.data,
        guard: mask?.guard ?? [],
        note: source.isServed ? `Completions come from a server: ${LOCAL_ONLY}` : undefined,
        chosen: config.settings.sparsity === "auto" ? mask?.activeRatio : undefined,
      }));
    if (value !== undefined) {
      await config.set("sparsity", value);
    }
  },

  "lacuna.toggle": ({ config }) => config.set("enabled", !config.settings.enabled),

  "lacuna.toggleLanguage": async ({ active, config }) => {
    const language = active.current?.languageId;
    if (language !== undefined) {
      const { languages } = config.settings;
      await config.set("languages", { ...languages, [language]: !languageEnabled(languages, language) });
    }
  },

  "lacuna.snooze": async ({ eligibility }, given) => {
    const minutes = typeof given === "number" ? given : await pickSnooze();
    if (minutes !== undefined) {
      eligibility.snooze(minutes);
      await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    }
  },

  "lacuna.endSnooze": ({ eligibility }) => eligibility.snooze(0),

  "lacuna.getModel": ({ models }, given) =>
    typeof given === "string"
      ? models.fetchAndUse({ title: titleOf(given), wanted: { address: given } })
      : models.choose(),

  "lacuna.selectModel": async ({ config, bundledModel, engine, models }) => {
    const current = config.settings.model;
    const model = await pickModel({
      current,
      tuning: current === "" ? undefined : await tuningOfFile(current),
      bundled: bundledModel,
      search: (signal) => findModels({ extra: [models.folder], signal }),
    });
    if (model === undefined) {
      return;
    }
    const again = model === config.settings.model;
    if (!again) {
      await config.set("model", model);
    }
    await loading("Loading the model", engine, () =>
      again && engine.state.kind === "failed" ? engine.restart() : engine.ready(),
    );
  },

  "lacuna.setServerKey": ({ server }) => server.askKey(),

  "lacuna.recomputeMask": async ({ active, sparsity, eligibility, source }) => {
    if (source.isServed) {
      throw new Error(`Completions come from a server: ${LOCAL_ONLY}.`);
    }
    const document = active.current;
    if (document === undefined) {
      return;
    }
    const why = eligibility.checkFile(document);
    if (why !== undefined) {
      throw new Error(`There is no mask for this file: ${why.text}.`);
    }
    const result = await withProgress("Finding the neurons that this file needs", (report, signal) =>
      sparsity.recompute(document, signal, report),
    );
    if (result !== undefined) {
      const told =
        result.source === "dense"
          ? `This file runs dense: ${result.why ?? "sparsity is switched off."}`
          : `In this file a token reads ${percent(result.activeRatio)} of the FFN.`;
      vscode.window.setStatusBarMessage(`Lacuna: ${told}`, 8_000);
    }
  },

  "lacuna.showDashboard": ({ dashboard }) => dashboard.show(),

  "lacuna.showLog": ({ log }) => log.show(),

  "lacuna.restartEngine": async ({ engine, source, server }) => {
    if (server.address !== undefined) {
      server.retry();
    }
    // What runs on a server needs no engine.
    return source.isServed ? undefined : loading("Restarting the engine", engine, () => engine.restart());
  },

  "lacuna.openWalkthrough": ({ extensionId }) =>
    vscode.commands.executeCommand("workbench.action.openWalkthrough", `${extensionId}#start`, false),

  "lacuna.openSettings": ({ extensionId }) =>
    vscode.commands.executeCommand("workbench.action.openSettings", `@ext:${extensionId}`),
};

/** Registers the table. A command that fails says why in one line. */
export function registerCommands(context: CommandContext): vscode.Disposable {
  const registered = Object.entries(TABLE).map(([id, command]) =>
    vscode.commands.registerCommand(id, async (...args: unknown[]) => {
      try {
        await command(context, ...args);
      } catch (error) {
        await tell(messageOf(error));
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

/** Shows a failure once, with what may help. */
export async function tell(message: string): Promise<void> {
  const actions: readonly (readonly [string, CommandId])[] = [
    ["Restart Engine", "lacuna.restartEngine"],
    ["Select Model", "lacuna.selectModel"],
    ["Show Log", "lacuna.showLog"],
  ];
  const picked = await vscode.window.showErrorMessage(
    `Lacuna: ${message}`,
    ...actions.map(([title]) => title),
  );
  const action = actions.find(([title]) => title === picked);
  if (action !== undefined) {
    await vscode.commands.executeCommand(action[1]);
  }
}

/** A model that is being loaded, with its progress; the engine cannot be stopped half-way. */
function loading(title: string, engine: EngineService, load: () => Promise<unknown>): Thenable<void> {
  const options = { location: vscode.ProgressLocation.Notification, title: `Lacuna: ${title}` };
  return vscode.window.withProgress(options, async (progress) => {
    const subscription = engine.onDidChangeState((state) => {
      if (state.kind === "loading") {
        progress.report({ message: percent(state.fraction) });
      }
    });
    try {
      await load();
    } finally {
      subscription.dispose();
    }
  });
}

/** Long work with progress and a way to stop it; undefined when it was stopped. */
function withProgress<T>(
  title: string,
  work: (report: (fraction: number) => void, signal: AbortSignal) => Promise<T>,
): Thenable<T | undefined> {
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: `Lacuna: ${title}`,
    cancellable: true,
  };
  return vscode.window.withProgress(options, async (progress, token) => {
    const controller = new AbortController();
    const subscription = token.onCancellationRequested(() => controller.abort());
    let done = 0;
    try {
      return await work((fraction) => {
        progress.report({ increment: 100 * (fraction - done) });
        done = fraction;
      }, controller.signal);
    } catch (error) {
      if (isCancelled(error)) {
        return undefined;
      }
      throw error;
    } finally {
      subscription.dispose();
    }
  });
}
