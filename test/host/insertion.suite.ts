import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { RequestOutcome } from "../../src/completion/debounce";
import { InlineProvider } from "../../src/editor/inlineProvider";
import { accept, closeAll, EXTENSION_ID, lacuna, setting, untitled } from "./helpers";

/** `│` is the cursor; what the model writes there; what stands there once it is accepted. */
const CASES: readonly (readonly [language: string, line: string, raw: string, accepted: string])[] = [
  ["typescript", "foo(│)  ", "a, b)", "foo(a, b)  "],
  ["typescript", "if (x│) { ", " > 1) {", "if (x > 1) { "],
  ["typescript", "f('│' ", "a'", "f('a' "],
  ["typescript", "const x = │; ", "1;", "const x = 1; "],
  ["python", "def f(a│): ", ", b):", "def f(a, b): "],
  ["typescript", "const v = b[│]", "i] + b[i + 1", "const v = b[i] + b[i + 1]"],
  ["python", 'x = """│"""', 'a "b" c"""', 'x = """a "b" c"""'],
  ["html", "<p>│</p>", "Hello</p>", "<p>Hello</p>"],
  ["python", "x = │  # type: ignore", "1", "x = 1  # type: ignore"],
  ["typescript", "foo({│});", "\n    a: 1, // b\n", "foo({\n    a: 1, // b\n});"],
  ["typescript", "x = {│};", " a: 1 ", "x = { a: 1 };"],
];

/** The provider as it is, with a model that writes what the test says; Lacuna's own is switched off meanwhile. */
describe("what the editor shows and inserts", () => {
  let subscriptions: { dispose(): unknown }[] = [];
  before(async () => {
    await lacuna();
    await setting("enabled", false);
  });
  after(() => setting("enabled", undefined));
  afterEach(async () => {
    subscriptions.forEach((subscription) => subscription.dispose());
    await closeAll();
  });

  for (const [language, line, raw, accepted] of CASES) {
    it(`${line} with ${raw}`, async () => {
      const models = new vscode.EventEmitter<undefined>();
      const outcomes = new vscode.EventEmitter<RequestOutcome>();
      const masks = new vscode.EventEmitter<never>();
      const changes = new vscode.EventEmitter<never>();
      const provider = new InlineProvider(
        { onDidChangeModel: models.event },
        { onDidTake: outcomes.event, generate: () => Promise.resolve({ text: raw, end: "finished" }) },
        { check: () => undefined, onBattery: true }, // nothing is generated ahead
        { onDidChangeMask: masks.event },
        { settings: { debounce: 0 } as never, onDidChange: changes.event },
        { reads: () => false, parse: () => undefined },
        { of: () => undefined },
        EXTENSION_ID,
      );
      subscriptions = [provider, models, outcomes, masks, changes];
      const editor = await untitled(line, language);
      assert.notEqual(await accept(editor), "", "nothing was shown");
      assert.equal(editor.document.getText().split("\n").slice(1).join("\n"), accepted);
    });
  }
});
