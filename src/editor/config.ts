import { existsSync } from "node:fs";
import * as vscode from "vscode";
import { machineValue, MACHINE_SETTINGS, type SettingPlaces, type Side } from "./machineSettings";
import { pathOf } from "./modelFiles";
import { contradictions } from "./contradictions";
import { defaultSettings, readSettings, type Settings } from "./settings";

const SECTION = "lacuna";

/** The settings as they are now, validated; tells when they change. */
export class Config implements vscode.Disposable {
  private current: Settings;
  private found: readonly string[] = [];
  private readonly changed = new vscode.EventEmitter<{ readonly before: Settings; readonly now: Settings }>();
  readonly onDidChange = this.changed.event;
  private readonly subscription: vscode.Disposable;

  /**
   * @param report receives one sentence for each value that is not used: it is not valid, or another machine's
   * @param side where Lacuna runs in a remote window; undefined in any other
   */
  constructor(
    private readonly report: (problem: string, why: "invalid" | "elsewhere") => void,
    private readonly side?: Side,
  ) {
    this.current = this.read();
    this.subscription = vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(SECTION)) {
        const before = this.current;
        this.current = this.read();
        this.changed.fire({ before, now: this.current });
      }
    });
  }

  get settings(): Settings {
    return this.current;
  }

  /** One sentence for each value that is set and not used: it is not valid, another machine's, or another setting stands against it. */
  get problems(): readonly string[] {
    return this.found;
  }

  /** Writes a setting where it is set already, otherwise for the user. */
  async set(name: keyof Settings, value: unknown): Promise<void> {
    const section = vscode.workspace.getConfiguration(SECTION);
    const where = section.inspect(name);
    const target =
      where?.workspaceValue === undefined
        ? vscode.ConfigurationTarget.Global
        : vscode.ConfigurationTarget.Workspace;
    await section.update(name, value, target);
  }

  dispose(): void {
    this.subscription.dispose();
    this.changed.dispose();
  }

  private read(): Settings {
    const section = vscode.workspace.getConfiguration(SECTION);
    const ignored: string[] = [];
    const { settings, problems } = readSettings((name) => {
      if (this.side === undefined || !MACHINE_SETTINGS.has(name)) {
        return section.get<unknown>(name);
      }
      const places: SettingPlaces & object = section.inspect(name) ?? {};
      if (!("globalLocalValue" in places)) {
        return section.get<unknown>(name); // not told apart by this editor
      }
      const found = machineValue(name, places, this.side, (path) => existsSync(pathOf(path)));
      ignored.push(...(found.ignored === undefined ? [] : [found.ignored]));
      return found.value;
    });
    const before = this.found;
    this.found = [...problems, ...ignored, ...contradictions(settings, defaultSettings())];
    for (const problem of this.found.filter((one) => !before.includes(one))) {
      this.report(problem, ignored.includes(problem) ? "elsewhere" : "invalid");
    }
    return settings;
  }
}

/** Where the extension runs in a remote window; undefined in any other. */
export function sideOf({ extension }: Pick<vscode.ExtensionContext, "extension">): Side | undefined {
  const { remoteName, uiKind } = vscode.env;
  return remoteName === undefined
    ? undefined
    : {
        runsOn: extension.extensionKind === vscode.ExtensionKind.UI ? "local" : "remote",
        inBrowser: uiKind === vscode.UIKind.Web,
        remoteName,
      };
}
