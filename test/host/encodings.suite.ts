import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import * as vscode from "vscode";
import { readText } from "../../src/editor/context/reading";
import { closeAll, lacuna, workspaceFile } from "./helpers";

const TEXT = "# 价格表\nprice = 1\n";
/** {@link TEXT}, whose letters VS Code's `gbk` has in two bytes each. */
const GBK = Buffer.from([0x23, 0x20, 0xbc, 0xdb, 0xb8, 0xf1, 0xb1, 0xed, ...Buffer.from("\nprice = 1\n")]);

describe("the text of a neighbour", () => {
  const file = workspaceFile("src/prices.py");
  const write = (bytes: Uint8Array): void => writeFileSync(file.fsPath, bytes);
  const files = (name: string, value: unknown): Thenable<void> =>
    vscode.workspace
      .getConfiguration("files", { languageId: "python" })
      .update(name, value, vscode.ConfigurationTarget.Workspace);

  before(lacuna);
  afterEach(async () => {
    await closeAll();
    await files("encoding", undefined);
    await files("autoGuessEncoding", undefined);
    rmSync(file.fsPath, { force: true });
  });

  it("is what UTF-8 says, with a mark at its beginning or without", async () => {
    write(Buffer.from(TEXT));
    assert.equal(await readText(file), TEXT);
    write(Buffer.from(`\ufeff${TEXT.replaceAll("\n", "\r\n")}`));
    assert.equal(await readText(file), TEXT);
  });

  it("is what its byte order mark says", async () => {
    write(Buffer.from(`\ufeff${TEXT}`, "utf16le"));
    assert.equal(await readText(file), TEXT);
    write(Buffer.from(`\ufeff${TEXT}`, "utf16le").swap16());
    assert.equal(await readText(file), TEXT);
  });

  it("is what the settings say that it is, and nothing where they are wrong", async () => {
    write(GBK);
    assert.equal(await readText(file), undefined);
    await files("encoding", "gbk");
    assert.equal(await readText(file), TEXT);
    write(Buffer.from(TEXT));
    await files("encoding", "utf8");
    assert.equal(await readText(file), TEXT);
  });

  it("is what the editor guesses, where it is told to", async () => {
    const many = Buffer.concat(Array.from({ length: 40 }, () => GBK));
    write(many);
    assert.equal(await readText(file), undefined);
    await files("autoGuessEncoding", true);
    assert.equal(await readText(file), TEXT.repeat(40));
  });

  it("is what the editor shows, where it is open", async () => {
    write(GBK);
    await vscode.workspace.openTextDocument(file);
    assert.equal(await readText(file), undefined);
    await closeAll();
    const { document } = await vscode.window.showTextDocument(
      await vscode.workspace.openTextDocument(file, { encoding: "gbk" }),
    );
    assert.equal(document.getText(), TEXT);
    assert.equal(await readText(file), TEXT);
  });

  it("is nothing for what is no text", async () => {
    const other = workspaceFile("src/picture.py");
    writeFileSync(other.fsPath, Buffer.from([0, 1, 2, 3, 0, 0, 7]));
    assert.equal(await readText(other), undefined);
    rmSync(other.fsPath);
  });
});
