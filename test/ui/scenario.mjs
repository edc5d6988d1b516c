import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { getModel } from "./walkthrough.mjs";

/** Line of the sample workspace's file that contains `text`, from 1. */
function lineOf(file, text) {
  const lines = readFileSync(new URL(`../fixtures/workspace/${file}`, import.meta.url), "utf8").split("\n");
  return lines.findIndex((line) => line.includes(text)) + 1;
}

/** What one might write next; a small model does not always have an answer. */
const BEGINNINGS = [
  "count(): number {",
  "const items = this",
  "for (const item of this.items.values()) {",
  "if (items.length === 0) {",
];

/** Types until a suggestion of several characters is on the screen. */
async function typeUntilSuggested(workbench) {
  let ghost = "";
  for (const beginning of BEGINNINGS) {
    await workbench.type(beginning);
    if (beginning.endsWith("{")) {
      await workbench.page.keyboard.press("Enter");
    }
    ghost = await workbench.waitForGhost(8_000).catch(() => "");
    if (ghost.trim().length > 6) {
      return ghost;
    }
    await workbench.page.keyboard.press("Escape");
    if (!beginning.endsWith("{")) {
      await workbench.type(";");
      await workbench.page.keyboard.press("Enter");
    }
  }
  return ghost;
}

/** A first quarter of an hour with Lacuna, in half a minute. `served`: see `serveModel`. */
export async function scenario(workbench, served) {
  const { page } = workbench;
  await workbench.ready();
  await workbench.shot("start");

  // A file that is just opened: ghost text without configuring anything.
  await workbench.openFile("src/inventory.ts");
  await workbench.status(/tok\/s/);
  await workbench.goToLine(lineOf("src/inventory.ts", "return found;") + 1);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  const ghost = await typeUntilSuggested(workbench);
  assert.match(ghost, /\S.{6,}/s, "no ghost text");
  await workbench.shot("ghost-text");

  // Word by word, then the rest with Tab.
  const before = await workbench.cursor();
  await page.keyboard.press("Control+ArrowRight");
  await page.waitForTimeout(400);
  const word = await workbench.cursor();
  assert.notEqual(word, before, "no word was accepted");
  await workbench.shot("word-accepted");
  await workbench.waitForGhost();
  await page.keyboard.press("Tab");
  await page.waitForTimeout(400);
  await workbench.shot("tab-accepted");
  assert.notEqual(await workbench.cursor(), word, "Tab has accepted nothing");

  // What the engine does, in the status bar and its tooltip.
  await page.keyboard.press("Escape");
  await workbench.status(/tok\/s · \d+ MB · 100 %/);
  await page.waitForTimeout(1_000);
  await workbench.statusBar.hover();
  const hover = page.locator(".workbench-hover, .monaco-hover").filter({ hasText: "Decode" });
  await hover.first().waitFor({ timeout: 10_000 });
  await page.waitForTimeout(500);
  await workbench.shot("status-tooltip");
  assert.match(await hover.first().innerText(), /Set sparsity/);
  await page.keyboard.press("Escape");

  // The palette: all commands, and sparsity by name. The open file gets its mask at once.
  await workbench.palette("Lacuna: ");
  await workbench.shot("palette");
  await page.keyboard.press("Escape");

  // Better models for this machine.
  await workbench.runCommand("Lacuna: Get a Model");
  const models = page.locator(".quick-input-list .monaco-list-row", { hasText: "tokens per second" });
  await models.first().waitFor({ timeout: 30_000 });
  await workbench.shot("get-a-model");
  await page.keyboard.press("Escape");

  await workbench.runCommand("Lacuna: Set Sparsity");
  const choice = page.locator(".quick-input-list .monaco-list-row");
  await choice.filter({ hasText: "40 %" }).first().waitFor();
  await workbench.shot("set-sparsity");
  await choice.filter({ hasText: "40 %" }).first().click();
  await workbench.status(/· 40 %/);
  await workbench.shot("sparsity-40");

  // Another file gets a mask of its own when one pauses, also if one looks at something else meanwhile.
  await workbench.openFile("src/queue.js");
  await workbench.status(/· 40 %/);
  await workbench.shot("another-file");

  // The dashboard: charts for what has happened, and the mask of the file.
  await workbench.runCommand("Lacuna: Show Dashboard");
  const dashboard = page.frameLocator("iframe.webview").frameLocator("iframe");
  await dashboard.locator("#heatmap canvas").waitFor({ timeout: 30_000 });
  await dashboard.locator("#speed .uplot").waitFor({ timeout: 30_000 });
  // the status bar keeps the last figure while the new mask is made, so it does not tell when that is there
  await dashboard
    .locator("#heatmap .summary", { hasText: /a token chooses among \d+ neurons/ })
    .waitFor({ timeout: 60_000 });
  await dashboard.locator("#guard .summary", { hasText: /loss/ }).waitFor({ timeout: 60_000 });
  await workbench.runCommand("View: Toggle Maximize Editor Group");
  await page.waitForTimeout(1_500);
  await workbench.shot("dashboard");
  await dashboard.locator("#heatmap canvas").focus();
  await page.keyboard.press("ArrowRight");
  assert.match(
    await dashboard.locator("#heatmap .told").innerText(),
    /Layer 0, neurons \d+–\d+: \d+ % of what counts most in the layer/,
  );
  await dashboard.locator("#heatmap").scrollIntoViewIfNeeded();
  await workbench.shot("dashboard-mask");
  await dashboard.locator("#speed summary").click();
  assert.ok((await dashboard.locator("#speed table tr").count()) > 1, "the figures are not there as a table");
  await dashboard.locator("#acceptance").scrollIntoViewIfNeeded();
  await workbench.shot("dashboard-more");

  // Why nothing appears.
  await workbench.runCommand("View: Close All Editors");
  await workbench.openFile("src/queue.js");
  await workbench.runCommand("Lacuna: Toggle Completions for This Language");
  await workbench.status(/switched off for javascript/);
  await workbench.shot("switched-off");
  await getModel(workbench, served);
}
