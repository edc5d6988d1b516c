import * as vscode from "vscode";
import type { Chunk } from "../../completion/context/chunk";
import { declarationAt, mentionsBefore } from "../../completion/context/declarations";
import type { Place } from "../../completion/place";
import { fileOf } from "../documentNames";
import type { Admission } from "./admission";
import { chunk, readAdmitted } from "./neighbours";
import { within } from "./reading";

const MAX_NAMES = 8;
/** A language server that takes longer is busy with something else. */
const LOOKUP_MS = 300;
const ALL_MS = 1_200;
const MAX_KNOWN = 200;

/** Declarations of the names round a place, from what VS Code's own language support knows. Bounded in time, and remembered. */
export class Definitions {
  private readonly known = new Map<string, Chunk | undefined>();

  constructor(private readonly admission: Admission) {}

  async around(document: vscode.TextDocument, position: vscode.Position, place: Place): Promise<Chunk[]> {
    const end = performance.now() + ALL_MS;
    const chunks: Chunk[] = [];
    for (const { name, offset } of mentionsBefore(place.prefix, MAX_NAMES)) {
      const key = `${place.document} ${name}`;
      if (!this.known.has(key) && performance.now() < end) {
        const before = place.prefix.slice(0, offset);
        const line = position.line - (place.prefix.split("\n").length - before.split("\n").length);
        const at = new vscode.Position(Math.max(0, line), offset - (before.lastIndexOf("\n") + 1));
        const found = this.lookUp(document, at);
        this.remember(key, await within(LOOKUP_MS, found));
        // One that is still starting answers when nobody waits any more: the next time has it.
        void found.then(
          (late) => this.known.has(key) && this.remember(key, late),
          () => undefined,
        );
      }
      const chunk = this.known.get(key);
      if (chunk !== undefined) {
        chunks.push(chunk);
      }
    }
    return chunks;
  }

  /** What was known about the names in a document, or in all. */
  forget(document?: string): void {
    for (const key of [...this.known.keys()]) {
      if (document === undefined || key.startsWith(`${document} `)) {
        this.known.delete(key);
      }
    }
  }

  private async lookUp(document: vscode.TextDocument, at: vscode.Position): Promise<Chunk | undefined> {
    const found = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[] | undefined>(
      "vscode.executeDefinitionProvider",
      document.uri,
      at,
    );
    const [first] = found ?? [];
    const target = first === undefined ? undefined : "targetUri" in first ? first.targetUri : first.uri;
    const range = first === undefined ? undefined : "targetUri" in first ? first.targetRange : first.range;
    const elsewhere = target !== undefined && fileOf(target) !== fileOf(document.uri);
    // Libraries are known to the model, or too large to be told.
    if (!elsewhere || range === undefined || vscode.workspace.getWorkspaceFolder(target) === undefined) {
      return undefined;
    }
    const text = await readAdmitted(target, this.admission);
    return text === undefined
      ? undefined
      : chunk(target, declarationAt(text, range.start.line), "declaration");
  }

  private remember(key: string, found: Chunk | undefined): void {
    this.known.set(key, found);
    for (const oldest of [...this.known.keys()].slice(0, -MAX_KNOWN)) {
      this.known.delete(oldest);
    }
  }
}
