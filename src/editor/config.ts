import * as vscode from "vscode";
import { readSettings, type Settings } from "./settings";

const SECTION = "lacuna";

/** The settings as they are now, validated; tells when they change. */
export class Config implements vscode.Disposable {
  private current: Settings;
  private readonly changed = new vscode.EventEmitter<{ readonly before: Settings; readonly now: Settings }>();
  readonly onDidChange = this.changed.event;
  private readonly subscription: vscode.Disposable;

  /** @param report receives one sentence for each setting that is not valid */
  constructor(private readonly report: (problem: string) => void) {
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
    const { settings, problems } = readSettings((name) => section.get<unknown>(name));
    problems.forEach(this.report);
    return settings;
  }
}
