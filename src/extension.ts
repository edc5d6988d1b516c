import path from "node:path";
import type * as vscode from "vscode";
import { AcceptanceTracker } from "./editor/acceptanceTracker";
import { ActiveDocument } from "./editor/activeDocument";
import { Battery } from "./editor/battery";
import { registerCommands } from "./editor/commands";
import { Config, sideOf } from "./editor/config";
import { reportSettings } from "./editor/settingsNotice";
import { followContextKeys } from "./editor/contextKeys";
import { Admission } from "./editor/context/admission";
import { ContextService } from "./editor/context/contextService";
import { Definitions } from "./editor/context/definitions";
import { DocumentChanges } from "./editor/context/documentChanges";
import { Settling } from "./editor/context/settling";
import { Dashboard } from "./editor/dashboard";
import { DocumentKeys } from "./editor/documentKeys";
import { DocumentSyntax } from "./editor/documentSyntax";
import { EditorLanguages } from "./editor/editorLanguages";
import { Eligibility } from "./editor/eligibility";
import { EngineService } from "./editor/engineService";
import { noticeDescent } from "./editor/descentNotice";
import { noticeFailures } from "./editor/failureNotice";
import { Generator } from "./editor/generator";
import { History } from "./editor/history";
import { IdleUnload } from "./editor/idleUnload";
import { InlineProvider } from "./editor/inlineProvider";
import { Log } from "./editor/log";
import { MaskMemory } from "./editor/maskMemory";
import { MeasuredStore } from "./editor/measuredStore";
import { fingerprintOf, requireModel } from "./editor/modelFiles";
import { ModelGetter } from "./editor/models/modelGetter";
import { offerModel } from "./editor/models/offer";
import { CompletionSource } from "./editor/completionSource";
import { Recorder } from "./editor/recorder";
import { Consent } from "./editor/server/consent";
import { noticeRefusal } from "./editor/server/refusalNotice";
import { ServerService } from "./editor/server/serverService";
import { SparsityController } from "./editor/sparsityController";
import { StatisticsStore } from "./editor/statisticsStore";
import { StatusBar } from "./editor/statusBar";
import { restrictedSettings, UncountedSettings } from "./editor/uncountedSettings";
import { EngineClient, forkEngine, Ladder, rungFile, rungsFor } from "./engine/client";
import { bundledModel } from "./models/bundled";
import { grammarFolder } from "./syntax/folder";

/** Where node-llama-cpp's binaries are in the extension's folder. */
const BINARIES = "node_modules/node-llama-cpp/bins";

/** After start-up the engine gets its own moment: nothing of it is on the way of opening a window. */
const WARM_UP_MS = 1_000;

/** What tests and other extensions can look at. */
export interface LacunaApi {
  readonly context: ContextService;
  readonly engine: EngineService;
  readonly generator: Generator;
  readonly models: ModelGetter;
  readonly server: ServerService;
  readonly sparsity: SparsityController;
  readonly statistics: StatisticsStore;
  readonly statusBar: StatusBar;
}

export function activate(context: vscode.ExtensionContext): LacunaApi {
  const started = performance.now();
  const own = <T extends vscode.Disposable>(part: T): T => {
    context.subscriptions.push(part);
    return part;
  };
  const storage = context.globalStorageUri.fsPath;
  const bundled = bundledModel(context.extensionPath);
  const log = own(new Log());
  const config = own(new Config(reportSettings(log), sideOf(context)));
  log.setLevel(config.settings.logLevel);
  own(config.onDidChange(({ now }) => log.setLevel(now.logLevel)));
  const uncounted = own(
    new UncountedSettings(restrictedSettings(context.extension), (problem) => log.write("warn", problem)),
  );

  const battery = own(new Battery(config));
  const eligibility = own(new Eligibility(config, battery));
  const ladder = new Ladder(
    rungsFor(process.platform, process.arch),
    rungFile(storage, path.join(context.extensionPath, BINARIES)),
    (descent) => noticeDescent(descent, log),
  );
  const engine = own(
    new EngineService(
      (callbacks) =>
        new EngineClient({
          ...callbacks,
          ladder,
          spawn: (env) =>
            forkEngine({
              hostPath: path.join(context.extensionPath, "dist", "engine-host.mjs"),
              env,
              onStderr: (line) => log.write("debug", line),
            }),
        }),
      (setting) => requireModel(setting, bundled),
      config,
      log,
      {
        states: path.join(storage, "states"),
        heads: path.join(storage, "heads"),
        paces: path.join(storage, "paces.json"),
      },
    ),
  );
  const server = own(new ServerService(config, new Consent(context.globalState), context.secrets, log));
  const source = own(new CompletionSource(engine, server, config));
  const keys = own(new DocumentKeys());
  const admission = new Admission(config);
  const changes = own(new DocumentChanges(admission));
  const crossFile = own(new ContextService(admission, new Definitions(admission), source, config, changes));
  const generator = own(new Generator(source, config, crossFile, keys));
  const syntax = own(new DocumentSyntax(grammarFolder(context.extensionPath)));
  const memory = new MaskMemory(path.join(storage, "masks"), log);
  const sparsity = own(new SparsityController(engine, eligibility, config, memory, fingerprintOf, log, keys));
  const languages = own(new EditorLanguages());
  const provider = own(
    new InlineProvider(
      ...([source, generator, eligibility, sparsity, config, syntax, languages] as const),
      context.extension.id,
    ),
  );
  const statistics = new StatisticsStore(path.join(storage, "statistics.json"), (message) =>
    log.write("warn", message),
  );
  const measured = new MeasuredStore(context.globalState);
  const history = new History();
  const active = own(new ActiveDocument());
  const statusBar = own(
    new StatusBar(
      ...([engine, source, server, sparsity, eligibility, config, uncounted] as const),
      ...([active, provider, generator] as const),
    ),
  );
  const dashboard = own(
    new Dashboard(context.extensionUri, {
      ...{ active, engine, source, server, sparsity, config },
      ...{ history, statistics, statusBar },
    }),
  );
  own(new Settling(source, generator, crossFile, eligibility, log));
  own(new AcceptanceTracker(provider, statistics));
  own(new Recorder(engine, source, server, generator, sparsity, { history, statistics, measured }));
  own(new IdleUnload(engine, config));
  own(noticeFailures(provider, engine));
  own(noticeRefusal(server));
  own(followContextKeys(config, eligibility));
  const models = own(new ModelGetter(config, engine, measured, context.secrets, log));
  own(offerModel(engine, config, context.globalState, bundled));
  own(
    registerCommands({
      ...{ active, engine, source, server, sparsity, eligibility, config, dashboard, measured, models, log },
      bundledModel: bundled,
      extensionId: context.extension.id,
    }),
  );
  own({ dispose: () => void statistics.flush() });

  const activationMs = performance.now() - started;
  const warmUp = setTimeout(() => {
    log.header(
      String((context.extension.packageJSON as { version: unknown }).version),
      activationMs,
      config.settings,
    );
    void statistics.open();
    sparsity.activated();
  }, WARM_UP_MS);
  own({ dispose: () => clearTimeout(warmUp) });
  return { context: crossFile, engine, generator, models, server, sparsity, statistics, statusBar };
}
