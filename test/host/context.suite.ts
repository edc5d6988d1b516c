import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as vscode from "vscode";
import type { LacunaApi } from "../../src/extension";
import { closeAll, cursorAfter, lacuna, open, setting, sleep, until, workspaceFile } from "./helpers";

/** Much like the place where the cursor will be. */
const LIKE =
  "export function countItems(inventory, shelf) {\n  return inventory.items.filter((item) => item.shelf === shelf).length;\n}\n";
const FILES: Readonly<Record<string, string>> = {
  ".gitignore": "*.local.js\n",
  "src/shelves.js": LIKE,
  "src/shelves.local.js": `// ignored by git\n${LIKE}`,
  "src/shelves.min.js": `// excluded\n${LIKE}`,
  "src/credentials.js": `// a secret by its name\n${LIKE}`,
  "src/token.js": `// a secret in it\nconst key = "ghp_${"a".repeat(36)}";\n${LIKE}`,
  "src/use.js":
    'import { countItems } from "./shelves.js";\n\nexport function report(inventory, shelf) {\n  const items = countItems(inventory, shelf);\n  \n}\n',
};

describe("cross-file context", () => {
  let api: LacunaApi;
  before(async () => {
    api = await lacuna();
    await api.engine.ready();
    const root = workspaceFile("").fsPath;
    execFileSync("git", ["init", "-q", root]);
    for (const [name, text] of Object.entries(FILES)) {
      writeFileSync(workspaceFile(name).fsPath, text);
    }
  });
  afterEach(async () => {
    await setting("context", undefined);
    await closeAll();
  });
  after(() => {
    for (const name of [...Object.keys(FILES), ".git"]) {
      rmSync(workspaceFile(name).fsPath, { recursive: true, force: true });
    }
  });

  const paths = (document: vscode.TextDocument): string[] =>
    api.context.of(document).files.map(({ path }) => path);

  async function openUse(): Promise<vscode.TextEditor> {
    const editor = await open("src/use.js");
    cursorAfter(editor, "countItems(inventory, shelf);\n  ");
    return editor;
  }

  it("has what the file imports and what was visited, and stays as it is while one types", async () => {
    await open("src/inventory.ts");
    await sleep(700);
    const editor = await openUse();
    await until("the imported file", () => paths(editor.document).includes("src/shelves.js"));
    const before = api.context.of(editor.document);
    assert.ok(!before.files.some(({ path }) => path === "src/use.js"));
    await editor.edit((edit) => edit.insert(editor.selection.active, "return items"));
    await sleep(300);
    assert.equal(api.context.of(editor.document), before);
  });

  it("has nothing twice, however often and by however many ways it was looked at", async () => {
    for (const round of [1, 2]) {
      const editor = await open("src/shelves.js");
      editor.selection = new vscode.Selection(0, 0, 2, 0);
      await vscode.commands.executeCommand("editor.action.clipboardCopyAction");
      cursorAfter(editor, "inventory.items");
      await sleep(700);
      await editor.edit((edit) => edit.insert(new vscode.Position(3, 0), `// round ${round}\n`));
      await sleep(700);
      await open("src/inventory.ts");
      await sleep(300);
    }
    const editor = await openUse();
    await until("the imported file", () => paths(editor.document).includes("src/shelves.js"));
    await sleep(1_500); // what was done there, too
    const { files } = api.context.of(editor.document);
    const all = files.map(({ text }) => text).join("\n");
    for (const once of [...LIKE.trim().split("\n").slice(0, 2), "total(): number {"]) {
      assert.equal(all.split(once).length, 2, `${once}\n${all}`);
    }
  });

  it("has the place that text was copied from, in the midst of a long file", async () => {
    const long = `${"// nothing of interest\n".repeat(200)}${LIKE}${"// nor here\n".repeat(200)}`;
    writeFileSync(workspaceFile("src/long.js").fsPath, long);
    const editor = await open("src/long.js");
    editor.selection = new vscode.Selection(200, 0, 202, 0);
    await vscode.commands.executeCommand("editor.action.clipboardCopyAction");
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    await until("the copied text", () =>
      api.context.looked.some(
        ({ path, text, source }) =>
          path === "src/long.js" && source === "copied" && text.includes("countItems"),
      ),
    );
    rmSync(workspaceFile("src/long.js").fsPath);
  });

  it("has the place that was edited, out of sight of where the cursor was left", async () => {
    writeFileSync(workspaceFile("src/edited.js").fsPath, "// nothing of interest\n".repeat(400));
    const editor = await open("src/edited.js");
    await sleep(300);
    await editor.edit((edit) => edit.insert(new vscode.Position(200, 0), LIKE));
    await openUse();
    await until("the edited text", () =>
      api.context.looked.some(
        ({ path, text, source }) =>
          path === "src/edited.js" && source === "edited" && text.includes("countItems"),
      ),
    );
    rmSync(workspaceFile("src/edited.js").fsPath);
  });

  it("has the declarations that the editor's language support finds in time", async () => {
    mkdirSync(workspaceFile("lib").fsPath, { recursive: true });
    writeFileSync(
      workspaceFile("lib/found.js").fsPath,
      `// elsewhere\n${LIKE.replace("countItems", "tally")}`,
    );
    writeFileSync(
      workspaceFile("src/calls.js").fsPath,
      `export function report(inventory, shelf) {\n  const items = tally(inventory, shelf);\n  \n}\n${"\n".repeat(300)}`,
    );
    const asked: string[] = [];
    const provider = vscode.languages.registerDefinitionProvider("javascript", {
      provideDefinition: (document, position) => {
        const name = document.getText(document.getWordRangeAtPosition(position));
        asked.push(name);
        return name === "tally"
          ? new vscode.Location(workspaceFile("lib/found.js"), new vscode.Position(1, 0))
          : new Promise<undefined>(() => undefined); // never answers
      },
    });
    try {
      const editor = await open("src/calls.js");
      const place = "tally(inventory, shelf);\n  ";
      cursorAfter(editor, place);
      let looks = 0;
      await until("the declaration", () => {
        // All of the editor's support is waited for, and what comes with it may still be starting: somebody looks elsewhere and comes back.
        looks++;
        if (looks % 80 === 40) {
          editor.selection = new vscode.Selection(300, 0, 300, 0);
        } else if (looks % 80 === 0) {
          cursorAfter(editor, place);
        }
        return paths(editor.document).includes("lib/found.js");
      });
      assert.ok(asked.includes("tally"));
    } finally {
      provider.dispose();
      rmSync(workspaceFile("lib").fsPath, { recursive: true });
      rmSync(workspaceFile("src/calls.js").fsPath);
    }
  });

  it("never has secrets, and nothing that git ignores or a setting excludes", async () => {
    for (const name of ["src/shelves.local.js", "src/shelves.min.js", "src/credentials.js", "src/token.js"]) {
      await open(name);
      await sleep(500);
    }
    const editor = await openUse();
    await until("a context", () => paths(editor.document).length > 0);
    for (const { path, text } of api.context.of(editor.document).files) {
      assert.doesNotMatch(path, /local|min\.js|credentials|token|gitignore/);
      assert.doesNotMatch(text, /ignored by git|excluded|a secret/);
    }
  });

  it("is off when a setting says so", async () => {
    await setting("context", "off");
    const editor = await openUse();
    await sleep(1_500);
    assert.deepEqual(paths(editor.document), []);
  });
});
