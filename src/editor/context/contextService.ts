import * as vscode from "vscode";
import { mayShow } from "../../completion/context/admission";
import { chunkAround, type Chunk, type ChunkSource } from "../../completion/context/chunk";
import { chooseFiles, contextBudget } from "../../completion/context/choose";
import { EditLog } from "../../completion/context/edits";
import { FrozenContexts, NO_CONTEXT, type CrossFileContext } from "../../completion/context/frozen";
import { importedChunks, siblingChunks } from "../../completion/context/neighbours";
import { ContextRing } from "../../completion/context/ring";
import type { Config } from "../config";
import { fileOf } from "../documentNames";
import { textAt } from "../documentText";
import type { CompletionSource } from "../completionSource";
import { textAbove } from "../notebooks";
import type { Admission } from "./admission";
import type { Definitions } from "./definitions";
import { chunk, WorkspaceProject } from "./neighbours";
import { within } from "./reading";
import type { DocumentChanges } from "./documentChanges";

/** What is not there by then is left out. */
const GATHER_MS = 2_000;
const MAX_EDIT_CHARACTERS = 1_200;

/**
 * What the model is told besides the file that is being edited: pieces of files that were looked at, what the file imports, declarations of names in
 * sight, files beside it, recent edits. Gathered in quiet moments; in between it stays as it is.
 */
export class ContextService implements vscode.Disposable {
  private readonly ring = new ContextRing();
  private readonly edits = new EditLog();
  private readonly frozen = new FrozenContexts();
  private gathering = 0;
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    private readonly admission: Admission,
    private readonly definitions: Definitions,
    private readonly engine: Pick<CompletionSource, "model">,
    private readonly config: Pick<Config, "settings" | "onDidChange">,
    changes: DocumentChanges,
  ) {
    this.subscriptions = [
      changes.onDidLook(({ document, line, source }) => void this.look(document, line, source)),
      changes.onDidEdit((edit) => this.edits.record(edit)),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.frozen.forget(document.uri.toString());
        definitions.forget(document.uri.toString());
      }),
      // What may be read may have changed.
      config.onDidChange(() => this.forget()),
    ];
  }

  /** As it was gathered last; costs nothing. */
  of(document: vscode.TextDocument): CrossFileContext {
    return this.config.settings.context === "off" ? NO_CONTEXT : this.frozen.of(document.uri.toString());
  }

  /** Pieces of files that were looked at last, oldest first. */
  get looked(): readonly Chunk[] {
    return this.ring.chunks;
  }

  /** Gathers anew; takes a while, and gives up when another gathering begins. Resolves to whether anything has changed. */
  async gather(document: vscode.TextDocument, position: vscode.Position): Promise<boolean> {
    const { context } = this.config.settings;
    const ticket = ++this.gathering;
    if (context === "off" || !this.admission.mayEnter(document.uri, document)) {
      return this.frozen.replace(document.uri.toString(), NO_CONTEXT);
    }
    const place = textAt(document, position);
    const project = new WorkspaceProject(document, this.admission);
    const parts =
      context === "all"
        ? [
            siblingChunks(project),
            importedChunks(textAbove(document) + document.getText(), document.languageId, project),
            this.definitions.around(document, position, place),
          ]
        : [];
    const found = await Promise.all(parts.map((part) => within(GATHER_MS, part)));
    if (ticket !== this.gathering || document.isClosed) {
      return false;
    }
    const file = fileOf(document.uri);
    const chunks = [...found.flatMap((part) => part ?? []), ...this.ring.chunks];
    const around = { prefix: textAbove(document) + place.prefix, suffix: place.suffix };
    const files = chooseFiles(around, file, chunks, this.budget);
    // A model that knows no diffs should not evaluate its prompt anew because of one.
    const budget = this.engine.model?.hasEdits === true ? Math.min(MAX_EDIT_CHARACTERS, this.budget) : 0;
    const edits = this.edits.diff(budget, { file, line: position.line });
    return this.frozen.replace(document.uri.toString(), { files, edits: mayShow(edits) ? edits : "" });
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private get budget(): number {
    const { contextSize, maxContextKB } = this.config.settings;
    return contextBudget(this.engine.model?.contextSize ?? contextSize, maxContextKB);
  }

  private async look(document: vscode.TextDocument, line: number, source: ChunkSource): Promise<void> {
    if (this.config.settings.context === "off" || !this.admission.mayEnter(document.uri, document)) {
      return;
    }
    // The text is that of this moment; git is asked afterwards.
    const text = chunkAround(document.getText().replaceAll("\r\n", "\n"), line);
    const seen: Chunk = chunk(document.uri, text, source);
    if ((await this.admission.isAdmitted(document.uri)) && mayShow(text)) {
      this.ring.add(seen);
    }
  }

  private forget(): void {
    this.gathering++;
    this.ring.forget(() => true);
    this.edits.forget(() => true);
    this.frozen.forget();
    this.definitions.forget();
  }
}
