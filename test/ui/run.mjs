// `npm run test:ui`: drives a real VS Code workbench as a person does, in a light and in a dark theme, with screenshots at each step
// in .vscode-test/shots (or LACUNA_SHOTS). VS Code's own server and workbench under headless Chromium, see ../host/support.
//
//   --theme light|dark  only this one
//   --vsix FILE         the installed package instead of the working copy
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launchBrowser, startCodeServer } from "../host/support/codeServer.mjs";
import { serveModel } from "./modelServer.mjs";
import { scenario } from "./scenario.mjs";
import { Workbench } from "./workbench.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const { values } = parseArgs({
  options: { theme: { type: "string" }, vsix: { type: "string" }, "no-build": { type: "boolean" } },
});
const shots = process.env.LACUNA_SHOTS ?? path.join(root, ".vscode-test/shots");
const THEMES = { light: "Default Light Modern", dark: "Default Dark Modern" };

/** The working copy as an installed extension: the UI has no switch for a development extension without hiding notifications. */
function linkExtension(extensions) {
  mkdirSync(extensions, { recursive: true });
  symlinkSync(root, path.join(extensions, "lacuna.lacuna-0.1.0"), "dir");
}

async function run(theme) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "lacuna-ui-"));
  const workspace = path.join(scratch, "workspace");
  cpSync(path.join(root, "test/fixtures/workspace"), workspace, { recursive: true });
  const models = await serveModel(path.join(root, "test/fixtures/model/lacuna-9m.Q8_0.gguf"));
  let server;
  let browser;
  let workbench;
  try {
    server = await startCodeServer({
      vsix: values.vsix === undefined ? [] : [values.vsix],
      prepareExtensions: values.vsix === undefined ? linkExtension : undefined,
      settings: {
        "workbench.colorTheme": THEMES[theme],
        "editor.minimap.enabled": false,
        "lacuna.debounce": 50,
        // What is suggested must not depend on when a mask is ready.
        "lacuna.sparsity": "dense",
        "lacuna.modelFolder": path.join(scratch, "models"),
      },
    });
    browser = await launchBrowser();
    workbench = new Workbench(browser.page, path.join(shots, theme));
    await browser.page.goto(`${server.url}/?folder=${workspace}`);
    await scenario(workbench, models);
    console.log(
      `UI test (${theme}): passed, screenshots in ${path.relative(process.cwd(), path.join(shots, theme))}`,
    );
  } catch (error) {
    await workbench?.shot("failed").catch(() => undefined);
    console.error(`UI test (${theme}): ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    process.exitCode = 1;
  } finally {
    await browser?.close();
    await server?.stop();
    await models.stop();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

if (values["no-build"] !== true) {
  execFileSync(process.execPath, [path.join(root, "esbuild.mjs"), "--quiet"], {
    cwd: root,
    stdio: "inherit",
  });
}
for (const theme of values.theme === undefined ? Object.keys(THEMES) : [values.theme]) {
  await run(theme);
}
