import assert from "node:assert/strict";

/** The walkthrough's second step, as a new user takes it: the list, an address, a download that is seen, and a model that completes. */
export async function getModel(workbench, models) {
  const { page } = workbench;
  await workbench.runCommand("Lacuna: Open Walkthrough");
  const step = page.locator(".getting-started-step", { hasText: "Get a better model" }).first();
  await step.waitFor({ timeout: 20_000 });
  await step.click();
  await page.waitForTimeout(800);
  await workbench.shot("walkthrough-model");

  await step.locator(".monaco-button, button", { hasText: "Get a model" }).first().click();
  const rows = page.locator(".quick-input-list .monaco-list-row");
  await rows.filter({ hasText: "tokens per second" }).first().waitFor({ timeout: 30_000 });
  await workbench.shot("walkthrough-list");

  await page.keyboard.type("Another model");
  await rows.filter({ hasText: "Another model" }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.waitForTimeout(500);
  await page.keyboard.type(models.address);
  await workbench.shot("walkthrough-address");
  await page.keyboard.press("Enter");
  const notification = page.locator(".notification-toast, .notification-list-item");
  await notification
    .filter({ hasText: /4\.\d+ MB of 9\.95 MB/ })
    .first()
    .waitFor({ timeout: 20_000 });
  await workbench.shot("download-running");
  const shown = page.locator("[id$='lacuna.download']").first();
  assert.match(await shown.innerText(), /\d+ %/);

  models.finish();
  await notification.filter({ hasText: "completes from now on" }).first().waitFor({ timeout: 60_000 });
  await page.waitForTimeout(500);
  await workbench.shot("download-finished");
  assert.equal(await shown.isVisible(), false, "the status bar still shows a download");
}
