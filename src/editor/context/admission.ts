import * as vscode from "vscode";
import { mayEnter, type AdmissionRules } from "../../completion/context/admission";
import type { Config } from "../config";
import { GitIgnored } from "./gitIgnored";

/** Decides which files may be read to help with another one. */
export class Admission {
  constructor(
    private readonly config: Config,
    private readonly ignored = new GitIgnored(),
  ) {}

  /** What is known without asking git. */
  mayEnter(uri: vscode.Uri, document?: vscode.TextDocument): boolean {
    const { languages, exclude, secretFiles } = this.config.settings;
    const rules: AdmissionRules = {
      languages,
      secretFiles,
      exclude: [...exclude, ...hidden("files", uri), ...hidden("search", uri)],
      workspaceTrusted: vscode.workspace.isTrusted,
    };
    const size = document?.offsetAt(new vscode.Position(document.lineCount, 0));
    return mayEnter(
      {
        path: uri.path,
        scheme: uri.scheme,
        ...(document === undefined ? {} : { language: document.languageId }),
        ...(size === undefined ? {} : { size }),
      },
      rules,
    );
  }

  /** Of `uris`, those that may be read, in their order. */
  async admitted(uris: readonly vscode.Uri[]): Promise<vscode.Uri[]> {
    const allowed = uris.filter((uri) => this.mayEnter(uri));
    const files = allowed.filter(({ scheme }) => scheme === "file").map(({ fsPath }) => fsPath);
    const kept = await this.ignored.notIgnored(files);
    return allowed.filter((uri) => uri.scheme !== "file" || kept.has(uri.fsPath));
  }
}

/** Globs that the editor hides from its explorer or its search. */
function hidden(section: "files" | "search", uri: vscode.Uri): string[] {
  const globs = vscode.workspace.getConfiguration(section, uri).get<Record<string, unknown>>("exclude") ?? {};
  return (
    Object.entries(globs)
      .filter(([, value]) => value === true)
      // A folder's glob hides what is in it.
      .flatMap(([glob]) => [glob, `${glob.replace(/\/$/, "")}/**`])
  );
}
