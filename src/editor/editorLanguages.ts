import * as vscode from "vscode";
import type { LanguageConfiguration } from "../completion/lexical/configured";
import { parseLanguageConfiguration } from "./languageConfiguration";

interface Contribution {
  readonly id?: unknown;
  readonly configuration?: unknown;
}

/** What the extensions of this editor say of their languages: comments, brackets, and what is closed by itself. */
export class EditorLanguages implements vscode.Disposable {
  private readonly known = new Map<string, LanguageConfiguration | undefined>();
  private readonly loading = new Map<string, Promise<void>>();
  private readonly subscription = vscode.extensions.onDidChange(() => {
    this.known.clear();
    this.loading.clear();
  });

  /** Undefined where no extension says anything, and while its file is read for the first time. */
  of(language: string): LanguageConfiguration | undefined {
    if (!this.known.has(language)) {
      void this.load(language);
    }
    return this.known.get(language);
  }

  /** Reads what there is of a language. */
  load(language: string): Promise<void> {
    let loading = this.loading.get(language);
    if (loading === undefined) {
      loading = read(language).then((found) => {
        if (this.loading.get(language) === loading) {
          this.known.set(language, found);
        }
      });
      this.loading.set(language, loading);
    }
    return loading;
  }

  dispose(): void {
    this.subscription.dispose();
  }
}

/** Of several extensions the last counts, as in the editor. */
async function read(language: string): Promise<LanguageConfiguration | undefined> {
  const files = vscode.extensions.all.flatMap(({ extensionUri, packageJSON }) =>
    contributionsOf(packageJSON)
      .filter(({ id, configuration }) => id === language && typeof configuration === "string")
      .map(({ configuration }) => vscode.Uri.joinPath(extensionUri, configuration as string)),
  );
  for (const file of files.reverse()) {
    try {
      const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
      const configuration = parseLanguageConfiguration(text);
      if (configuration !== undefined) {
        return configuration;
      }
    } catch {
      // An extension that names a file which is not there.
    }
  }
  return undefined;
}

function contributionsOf(manifest: unknown): readonly Contribution[] {
  const { contributes } = manifest as { readonly contributes?: { readonly languages?: unknown } };
  return Array.isArray(contributes?.languages) ? (contributes.languages as Contribution[]) : [];
}
