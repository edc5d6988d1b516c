import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { RequestOutcome } from "../../src/completion/debounce";
import type { Generated } from "../../src/completion/inFlight";
import type { Wish } from "../../src/completion/suggester";
import { InlineProvider } from "../../src/editor/inlineProvider";
import { closeAll, EXTENSION_ID, lacuna, setting, sleep, until, untitled } from "./helpers";

const HEADER = "def one(a, b):";
const LINE = "\n    two(a)";
const FIRST = `${LINE}\n    thr`;
const WHOLE = `${LINE}\n    three(b)\n    four()`;
/** Longer than the editor takes to show what it is given, and than a first line waits for those that belong to it. */
const A_WHILE = 1_000;

/** A generation that the test writes by hand. */
interface Asked {
  readonly wish: Wish;
  readonly signal: AbortSignal;
  end(text: string): void;
}

/** The provider as it is, with a model that the test plays; Lacuna's own is switched off meanwhile. */
describe("a suggestion that becomes longer", () => {
  let provider: InlineProvider;
  let asked: Asked[];
  let offers: string[];
  /** What the model writes at once. */
  let begun: string;
  /** Who was asked, or asked, for something. */
  let order: ("model" | "editor")[];
  let subscriptions: { dispose(): unknown }[];

  class Recorded extends InlineProvider {
    override provideInlineCompletionItems(
      ...request: Parameters<InlineProvider["provideInlineCompletionItems"]>
    ): ReturnType<InlineProvider["provideInlineCompletionItems"]> {
      order.push("editor");
      return super.provideInlineCompletionItems(...request);
    }
  }

  before(async () => {
    await lacuna();
    await setting("enabled", false);
  });
  after(() => setting("enabled", undefined));
  beforeEach(() => {
    asked = [];
    offers = [];
    const models = new vscode.EventEmitter<undefined>();
    const masks = new vscode.EventEmitter<never>();
    const settings = new vscode.EventEmitter<never>();
    const outcomes = new vscode.EventEmitter<RequestOutcome>();
    order = [];
    begun = FIRST;
    provider = new Recorded(
      { onDidChangeModel: models.event },
      {
        onDidTake: outcomes.event,
        generate: (_, wish, signal, onText) =>
          new Promise<Generated>((resolve) => {
            const end = (text: string): void => resolve({ text, end: "finished" });
            order.push("model");
            asked.push({ wish, signal, end });
            setTimeout(() => onText(begun), 1);
            signal.addEventListener("abort", () => resolve({ text: "", end: "stopped" }));
          }),
      },
      { check: () => undefined, onBattery: true }, // nothing is generated ahead
      { onDidChangeMask: masks.event },
      { settings: { debounce: "auto" } as never, onDidChange: settings.event },
      { reads: () => false, parse: () => undefined },
      { of: () => undefined },
      EXTENSION_ID,
    );
    const offered = provider.onDidOffer(({ text }) => offers.push(text));
    subscriptions = [provider, models, masks, settings, outcomes, offered];
  });
  afterEach(async () => {
    subscriptions.forEach((subscription) => subscription.dispose());
    await closeAll();
  });

  /** An editor that shows the first lines of what is being written. */
  async function showing(): Promise<vscode.TextEditor> {
    const editor = await untitled("def one(a, b)│\n", "python");
    await vscode.commands.executeCommand("workbench.action.focusActiveEditorGroup");
    // An editor that is still busy with opening does not ask.
    for (let tries = 0; offers.length === 0 && tries < 10; tries++) {
      await vscode.commands.executeCommand("deleteLeft");
      await vscode.commands.executeCommand("type", { text: tries === 0 ? "):" : ":" });
      await sleep(A_WHILE);
    }
    assert.equal(offers.at(-1), LINE);
    offers = [];
    return editor;
  }

  /** Accepts what is shown; returns the text behind the cursor's line as it was. */
  async function commit({ document }: vscode.TextEditor): Promise<string> {
    await vscode.commands.executeCommand("editor.action.inlineSuggest.commit");
    await sleep(A_WHILE / 4);
    return document.getText().split(HEADER)[1]!;
  }

  it("is shown to its end while its first lines are on the screen", async () => {
    const editor = await showing();
    asked.at(-1)!.end(WHOLE);
    await until("all of it", () => offers.includes(WHOLE));
    await sleep(A_WHILE / 4);
    assert.equal(await commit(editor), `${WHOLE}\n`);
  });

  it("stays away once it has been dismissed, until it is asked for", async () => {
    const editor = await showing();
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    asked.at(-1)!.end(WHOLE);
    await sleep(A_WHILE);
    assert.deepEqual(offers, []);
    assert.equal(await commit(editor), "\n");
    await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    await until("all of it", () => offers.includes(WHOLE));
    await sleep(A_WHILE / 4);
    assert.equal(await commit(editor), `${WHOLE}\n`);
  });

  it("goes on while something else is written in another document", async () => {
    const log = await vscode.workspace.openTextDocument({ language: "log", content: "one\n" });
    const editor = await showing();
    const line = new vscode.WorkspaceEdit();
    line.insert(log.uri, new vscode.Position(1, 0), "two\n");
    assert.ok(await vscode.workspace.applyEdit(line));
    assert.equal(asked.at(-1)!.signal.aborted, false);
    asked.at(-1)!.end(WHOLE);
    await until("all of it", () => offers.includes(WHOLE));
    await sleep(A_WHILE / 4);
    assert.equal(await commit(editor), `${WHOLE}\n`);
    // No editor shows it, so none would close it: the next new document would take its name, and its text.
    await vscode.window.showTextDocument(log);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });

  it("is written before the editor has asked for it, and once", async () => {
    const editor = await untitled("const total = │\n", "javascript");
    await vscode.commands.executeCommand("workbench.action.focusActiveEditorGroup");
    await sleep(A_WHILE / 4);
    begun = "u";
    order = [];
    await vscode.commands.executeCommand("type", { text: "s" });
    await until("both", () => order.includes("editor") && order.includes("model"));
    assert.deepEqual(order, ["model", "editor"]);
    asked.at(-1)!.end("um;");
    await until("the suggestion", () => offers.length > 0);
    await sleep(A_WHILE / 4);
    assert.equal(order.filter((who) => who === "model").length, 1);
    const text = (): string => editor.document.getText();
    await until("its text", () => {
      // VS Code stops waiting after 750 ms and opens its list, which has something else for "s": nothing is shown beside that.
      void vscode.commands.executeCommand("hideSuggestWidget");
      void vscode.commands.executeCommand("editor.action.inlineSuggest.commit"); // again, should it not be shown yet
      return text().includes("const total = sum;");
    }).catch((error: unknown) => {
      const seen = JSON.stringify({ text: text(), offers, order });
      throw new Error(`${String(error)}; the editor has been given, and has: ${seen}`);
    });
  });
});
