import { mkdirSync } from "node:fs";
import path from "node:path";

/** VS Code's window as a person uses it: keys, text on the screen, screenshots. */
export class Workbench {
  #shots = 0;

  constructor(page, folder) {
    this.page = page;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  get statusBar() {
    return this.page
      .locator("#lacuna\\.lacuna\\.lacuna\\.status, .statusbar-item[id$='lacuna.status']")
      .first();
  }

  get ghostText() {
    return this.page.locator("[class*='ghost-text']");
  }

  async shot(name) {
    this.#shots++;
    await this.page.screenshot({
      path: path.join(this.folder, `${String(this.#shots).padStart(2, "0")}-${name}.png`),
    });
  }

  async ready() {
    await this.page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
    await this.statusBar.waitFor({ timeout: 60_000 });
  }

  /** Waits until the status bar's text matches. */
  async status(pattern, timeout = 60_000) {
    await this.page.locator("[id$='lacuna.status']", { hasText: pattern }).first().waitFor({ timeout });
    return this.statusBar.innerText();
  }

  async openFile(name) {
    await this.page.keyboard.press("Control+P");
    await this.#fill(name);
    await this.page.locator(".quick-input-list .monaco-list-row").first().waitFor();
    await this.page.waitForTimeout(400);
    await this.page.keyboard.press("Enter");
    await this.page.locator(`.tab[data-resource-name="${path.basename(name)}"].active`).waitFor();
    await this.focusEditor();
  }

  async focusEditor() {
    await this.page
      .locator(".editor-group-container.active .view-lines")
      .first()
      .click({ position: { x: 5, y: 5 } });
  }

  /** Cursor to the end of line `line`, from 1. */
  async goToLine(line) {
    await this.page.keyboard.press("Control+G");
    await this.#fill(`:${line}`);
    await this.page.waitForTimeout(200);
    await this.page.keyboard.press("Enter");
    await this.page.locator("#status\\.editor\\.selection", { hasText: `Ln ${line},` }).waitFor();
    await this.page.keyboard.press("End");
  }

  /** Types at the pace of a person. */
  async type(text) {
    await this.page.keyboard.type(text, { delay: 45 });
  }

  async waitForGhost(timeout = 30_000) {
    await this.ghostText.first().waitFor({ state: "attached", timeout });
    await this.page.waitForTimeout(250);
    return (await this.ghostText.allInnerTexts()).join("").replaceAll("\u00a0", " ");
  }

  async runCommand(title) {
    await this.palette(title);
    await this.page.keyboard.press("Enter");
  }

  async palette(title) {
    await this.page.keyboard.press("F1");
    await this.#fill(`>${title}`);
    await this.page
      .locator(".quick-input-list .monaco-list-row", { hasText: title.replace(/^Lacuna: /, "") })
      .first()
      .waitFor();
    await this.page.waitForTimeout(300);
  }

  /** Where the cursor is, as the status bar says: `Ln 1, Col 1`. */
  async cursor() {
    return this.page.locator("#status\\.editor\\.selection").innerText();
  }

  /** Lines of the active editor that are on the screen. */
  async text() {
    const lines = await this.page
      .locator(".editor-group-container.active .view-lines .view-line")
      .allInnerTexts();
    return lines.join("\n").replaceAll("\u00a0", " ");
  }

  async #fill(text) {
    const input = this.page.locator(".quick-input-widget input").first();
    await input.waitFor();
    await input.fill(text);
  }
}
