import path from "node:path";
import * as vscode from "vscode";
import { uncountedSettings, type WhyUncounted } from "./uncounted";

/** A file of settings of the workspace that do not count here, or not all. */
export interface SettingsFile {
  readonly uri: vscode.Uri;
  /** Completes "setting of …". */
  readonly of: string;
  readonly why: WhyUncounted;
}

/** Finds what of the workspace's own settings does not count in this window: the editor drops it before an extension can see it. */
export class UncountedSettings implements vscode.Disposable {
  private found: readonly string[] = [];
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: vscode.Disposable;
  /** Looks come one after another. */
  private looking: Promise<void> = Promise.resolve();

  /** @param restricted full names of the settings that a workspace has to be trusted for */
  constructor(
    private readonly restricted: readonly string[],
    private readonly report: (problem: string) => void,
    private readonly files: () => readonly SettingsFile[] = settingsFiles,
  ) {
    const look = (): void => this.look();
    this.subscriptions = vscode.Disposable.from(
      vscode.workspace.onDidChangeWorkspaceFolders(look),
      vscode.workspace.onDidGrantWorkspaceTrust(look),
      vscode.workspace.onDidSaveTextDocument(({ uri }) => {
        if (this.files().some((file) => file.uri.toString() === uri.toString())) {
          look();
        }
      }),
    );
    look();
  }

  /** One sentence for each. */
  get problems(): readonly string[] {
    return this.found;
  }

  dispose(): void {
    vscode.Disposable.from(this.subscriptions, this.changed).dispose();
  }

  private look(): void {
    this.looking = this.looking.then(async () => {
      const before = this.found;
      const all = await Promise.all(this.files().map((file) => this.problemsOf(file)));
      this.found = all.flat();
      this.found.filter((one) => !before.includes(one)).forEach(this.report);
      this.changed.fire();
    });
  }

  private async problemsOf({ uri, of, why }: SettingsFile): Promise<readonly string[]> {
    try {
      const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
      return uncountedSettings(text, of, why, this.restricted);
    } catch {
      return []; // most folders have none
    }
  }
}

function settingsFiles(): SettingsFile[] {
  const { isTrusted, workspaceFile, workspaceFolders = [] } = vscode.workspace;
  const why = workspaceFile !== undefined ? "workspace-file" : isTrusted ? undefined : "untrusted";
  const ofFolders: SettingsFile[] =
    why === undefined
      ? []
      : workspaceFolders.map(({ uri, name }) => ({
          uri: vscode.Uri.joinPath(uri, ".vscode", "settings.json"),
          of: `the folder ${name}`,
          why,
        }));
  const ofWorkspace: SettingsFile[] =
    workspaceFile === undefined || workspaceFile.scheme === "untitled" || isTrusted
      ? []
      : [{ uri: workspaceFile, of: path.posix.basename(workspaceFile.path), why: "untrusted" }];
  return [...ofFolders, ...ofWorkspace];
}

/** Full names of the extension's settings that a workspace has to be trusted for. */
export function restrictedSettings({
  packageJSON,
}: Pick<vscode.Extension<unknown>, "packageJSON">): string[] {
  interface Manifest {
    capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
  }
  return (packageJSON as Manifest).capabilities.untrustedWorkspaces.restrictedConfigurations;
}
