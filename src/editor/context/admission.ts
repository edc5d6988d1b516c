import * as vscode from "vscode";
import { mayEnter, type AdmissionRules } from "../../completion/context/admission";
import type { Config } from "../config";
import { notebookOf } from "../notebooks";
import { GitIgnored } from "./gitIgnored";

/** Decides which files may be read to help with another one. */
export class Admission {
  constructor(
    private readonly config: Pick<Config, "settings">,
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

  /** Whether `uri` may be read. What git ignores may not, nor what git cannot be asked about, such as files of another machine. */
  async isAdmitted(uri: vscode.Uri, document?: vscode.TextDocument): Promise<boolean> {
    if (!this.mayEnter(uri, document)) {
      return false;
    }
    const { scheme, fsPath } = notebookOf(uri)?.uri ?? uri;
    return (
      scheme === "untitled" || (scheme === "file" && (await this.ignored.notIgnored([fsPath])).has(fsPath))
    );
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
