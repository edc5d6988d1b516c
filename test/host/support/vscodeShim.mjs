#!/usr/bin/env node
// A stand-in for the `code` executable: takes the arguments that @vscode/test-electron passes to VS Code and does the same
// (development extension and tests inside the extension host) in code-server's workbench under headless Chromium.
// Exit codes as from `code`: 0 when the tests pass.
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { launchBrowser, startCodeServer } from "./codeServer.mjs";

const TIMEOUT_MS = Number(process.env.VSCODE_SHIM_TIMEOUT_MS ?? 1_200_000);

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    extensionDevelopmentPath: { type: "string", multiple: true },
    extensionTestsPath: { type: "string" },
    "install-extension": { type: "string", multiple: true },
    "user-settings": { type: "string" },
  },
});

// The driver's log also carries the workbench's own lines; these are expected without internet, and when tests close editors quickly.
const NOISE =
  /^(Resolv(ing|ed) connection token|Creating a socket|\[reconnection-grace|Updating additional builtin|\[AgentHost|\[AccountPolicyGate|\[Service Worker\]|Timed out waiting for authentication provider|getaddrinfo |Creation of workbench contribution|Started local extension|\[remote-connection\]|SettingsEditor2:|Ignoring the error while validating|%c|Model is disposed!|stack trace: Error: Model is disposed!|rejected promise not handled within 1 second: Error: Model is disposed!|DialogService: Dialog requested)/;

const settingsFile = process.env.LACUNA_TEST_SETTINGS;
const server = await startCodeServer({
  vsix: (values["install-extension"] ?? []).map((file) => path.resolve(file)),
  smokeTestDriver: true,
  settings: settingsFile === undefined ? {} : JSON.parse(readFileSync(settingsFile, "utf8")),
});
const browser = await launchBrowser();
let code = 2;
try {
  const { page } = browser;
  const finished = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no result after ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS).unref();
    page.on("crash", () => reject(new Error("the workbench's page crashed")));
    page.exposeFunction("codeAutomationExit", resolve).catch(reject);
  });
  await page.exposeFunction("codeAutomationLog", (type, args) => {
    if (process.env.VERBOSE || !NOISE.test(String(args[0]))) {
      (console[type] ?? console.log)(...args);
    }
  });
  const remote = (file) => `vscode-remote://${server.authority}${path.resolve(file)}`;
  const payload = [
    ...(values.extensionDevelopmentPath ?? []).map((dir) => ["extensionDevelopmentPath", remote(dir)]),
    ["extensionTestsPath", remote(values.extensionTestsPath)],
    ["skipWelcome", "true"],
  ];
  const query = new URLSearchParams({ payload: JSON.stringify(payload) });
  const folder = positionals.find((file) => statSync(file, { throwIfNoEntry: false })?.isDirectory());
  const workspaceFile = positionals.find((file) => file.endsWith(".code-workspace"));
  if (workspaceFile !== undefined) {
    query.set("workspace", path.resolve(workspaceFile));
  } else if (folder !== undefined) {
    query.set("folder", path.resolve(folder));
  } else {
    query.set("ew", "true");
  }
  await page.goto(`${server.url}/?${query}`);
  code = await finished;
} catch (error) {
  console.error(`vscode-shim: ${error instanceof Error ? error.message : error}`);
} finally {
  if (code !== 0 && process.env.LACUNA_SHOTS !== undefined) {
    for (const logs of [path.join(server.dir, "server/data/logs"), path.join(server.dir, "data/logs")]) {
      if (existsSync(logs)) {
        cpSync(logs, path.join(process.env.LACUNA_SHOTS, "logs"), { recursive: true });
      }
    }
    mkdirSync(process.env.LACUNA_SHOTS, { recursive: true });
    await browser.page
      .screenshot({ path: path.join(process.env.LACUNA_SHOTS, "host-failed.png") })
      .catch(() => {});
  }
  await browser.close();
  await server.stop();
}
process.exit(code);
