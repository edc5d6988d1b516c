// Starts VS Code's server and workbench on a free loopback port with throw-away folders, and Debian's Chromium to look at it.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { installCodeServer, serverMain, serverNode } from "./installCodeServer.mjs";

const QUIET_SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.disableAIFeatures": true,
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "git.enabled": false,
};

const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer()
      .on("error", reject)
      .listen(0, "127.0.0.1", () => {
        const { port } = probe.address();
        probe.close(() => resolve(port));
      });
  });

const run = (args) =>
  new Promise((resolve, reject) => {
    const child = spawn(serverNode, [serverMain, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.resume();
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`code-server ${args.at(-1)}: exit ${code}`)),
    );
  });

/**
 * @param {object} options
 * @param {Record<string, unknown>} [options.settings] user settings on top of the quiet ones
 * @param {Record<string, string>} [options.env]
 * @param {readonly string[]} [options.vsix] packages to install first
 * @param {(folder: string) => void} [options.prepareExtensions] puts extensions into the folder of installed ones
 * @param {boolean} [options.smokeTestDriver] lets a URL name the development extension and the tests; hides notification toasts
 * @param {boolean} [options.workspaceTrust] ask whether the folder is trusted (off by default)
 * @param {string} [options.dataDir] keep user data here instead of a throw-away folder
 * @param {number} [options.port]
 */
export async function startCodeServer({
  settings = {},
  env = {},
  vsix = [],
  prepareExtensions,
  smokeTestDriver = false,
  workspaceTrust = false,
  dataDir,
  port,
} = {}) {
  installCodeServer();
  const dir = dataDir ?? mkdtempSync(path.join(os.tmpdir(), "lacuna-host-"));
  const dirs = [
    "--accept-server-license-terms",
    ...["--server-data-dir", path.join(dir, "server")],
    ...["--user-data-dir", path.join(dir, "data")],
    ...["--extensions-dir", path.join(dir, "extensions")],
  ];
  mkdirSync(path.join(dir, "data/User"), { recursive: true });
  mkdirSync(path.join(dir, "extensions"), { recursive: true });
  prepareExtensions?.(path.join(dir, "extensions"));
  const settingsFile = path.join(dir, "data/User/settings.json");
  if (dataDir === undefined || !existsSync(settingsFile)) {
    writeFileSync(settingsFile, JSON.stringify({ ...QUIET_SETTINGS, ...settings }, null, 2));
  }
  const install = (file) => run([...dirs, "--install-extension", path.resolve(file)]);
  for (const file of vsix) {
    await install(file);
  }

  const chosenPort = port ?? (await freePort());
  const child = spawn(
    serverNode,
    [
      serverMain,
      ...["--host", "127.0.0.1", "--port", String(chosenPort), "--without-connection-token"],
      ...dirs,
      ...["--telemetry-level", "off"],
      ...(workspaceTrust ? [] : ["--disable-workspace-trust"]),
      ...(smokeTestDriver ? ["--enable-smoke-test-driver"] : []),
    ],
    { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const logFile = path.join(dir, "server.log");
  const log = createWriteStream(logFile);
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const exited = new Promise((resolve) => child.on("exit", resolve));
  const url = `http://127.0.0.1:${chosenPort}`;
  for (let attempt = 0; ; attempt++) {
    if (child.exitCode !== null || attempt > 300) {
      throw new Error(`code-server did not start; see ${logFile}`);
    }
    const up = await fetch(`${url}/version`).then(
      (response) => response.ok,
      () => false,
    );
    if (up) {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    authority: `127.0.0.1:${chosenPort}`,
    dir,
    settingsFile,
    exited,
    install,
    async stop() {
      child.kill("SIGTERM");
      await exited;
      if (dataDir === undefined) {
        rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}

export function findChromium() {
  const candidates = [
    process.env.CHROMIUM,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
  ];
  const found = candidates.find((file) => file !== undefined && existsSync(file));
  if (found === undefined) {
    throw new Error(
      "Chromium is missing: run `apt-get install -y --no-install-recommends chromium fonts-dejavu-core`, or set CHROMIUM to its path.",
    );
  }
  return found;
}

export async function launchBrowser({ width = 1280, height = 800 } = {}) {
  const { chromium } = await import("playwright-core");
  const profile = mkdtempSync(path.join(os.tmpdir(), "lacuna-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    headless: true,
    viewport: { width, height },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return {
    context,
    page: context.pages()[0] ?? (await context.newPage()),
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
