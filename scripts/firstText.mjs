// npm run bench:first-text -- FILE.vsix [ROUNDS]: seconds from the start of `code --install-extension FILE.vsix`, with a source file open in VS Code, to the first
// grey text in it. VS Code's own server and workbench, a new folder of extensions each time. Wants a quiet machine.
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { launchBrowser, startCodeServer } from "../test/host/support/codeServer.mjs";
import { Workbench } from "../test/ui/workbench.mjs";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { script, Stop } from "./support/steps.mjs";

/** The user asks for a suggestion now and then. */
const ASK_MS = 250;
const MOST_MS = 120_000;

async function round(vsix) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "lacuna-first-"));
  const workspace = path.join(scratch, "workspace");
  cpSync(path.join(root, "test/fixtures/workspace"), workspace, { recursive: true });
  const server = await startCodeServer();
  const browser = await launchBrowser();
  try {
    const { page } = browser;
    await page.goto(`${server.url}/?folder=${workspace}`);
    await page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
    const workbench = new Workbench(page, scratch);
    await workbench.openFile("src/inventory.ts");
    await workbench.goToLine(1);
    await page.keyboard.press("Enter");
    await workbench.type("export function total(values: number[]): number {");
    await page.keyboard.press("Enter");
    await workbench.type("for (const value ");
    await page.waitForTimeout(3_000);

    const began = performance.now();
    let installed;
    const installing = server.install(vsix).then(() => (installed = performance.now() - began));
    while ((await workbench.ghostText.count()) === 0) {
      if (performance.now() - began > MOST_MS) throw new Stop("No grey text has appeared in two minutes.");
      await page.keyboard.press("Alt+\\");
      await page.waitForTimeout(ASK_MS);
    }
    const seconds = (performance.now() - began) / 1e3;
    await installing;
    return { installed: installed / 1e3, seconds };
  } finally {
    await browser.close();
    await server.stop();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

await script(async () => {
  const [vsix, rounds = "3"] = process.argv.slice(2);
  if (vsix === undefined || !existsSync(vsix))
    throw new Stop("Name a package: npm run bench:first-text -- FILE.vsix [ROUNDS].");
  await bootstrap({ native: false });
  for (let i = 0; i < Number(rounds); i++) {
    const { installed, seconds } = await round(vsix);
    process.stdout.write(
      `installed after ${installed.toFixed(2)} s, grey text after ${seconds.toFixed(2)} s\n`,
    );
  }
});
