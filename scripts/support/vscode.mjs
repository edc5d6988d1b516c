import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { root } from "./bootstrap.mjs";

/** Everything that running VS Code out of a checkout writes. */
const home = path.join(root, ".vscode-test/start");
/** Opened at once: a place to type. */
const FIRST_FILE = "src/inventory.ts";
const samples = path.join(root, "test/fixtures/workspace");

/** A folder to edit in, filled once from the samples. */
function sampleWorkspace() {
  const workspace = path.join(home, "sample");
  if (!existsSync(workspace)) cpSync(samples, workspace, { recursive: true });
  return workspace;
}

/** True when a desktop VS Code can show a window here. */
function hasDesktop() {
  if (process.platform === "linux" && !process.env["DISPLAY"] && !process.env["WAYLAND_DISPLAY"])
    return false;
  return spawnSync("code", ["--version"], { stdio: "ignore" }).status === 0;
}

/**
 * Opens the sample workspace with this checkout as the extension: in the desktop VS Code where there is one, otherwise in VS Code's
 * own server, whose address is printed, until Ctrl-C.
 * @returns {Promise<number>} exit code
 */
export async function openVsCode() {
  mkdirSync(home, { recursive: true });
  const workspace = sampleWorkspace();
  if (hasDesktop()) {
    process.stdout.write(`Opening VS Code with Lacuna on ${path.relative(root, workspace)}\n`);
    const file = path.join(workspace, FIRST_FILE);
    const args = [`--extensionDevelopmentPath=${root}`, "--new-window", workspace, file];
    return await new Promise((resolve) => spawn("code", args, { stdio: "inherit" }).on("close", resolve));
  }
  // A folder in the extensions folder is an installed extension: this one is the checkout itself.
  const extensions = path.join(home, "extensions");
  mkdirSync(extensions, { recursive: true });
  const { publisher, name, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const link = path.join(extensions, `${publisher}.${name}-${version}`);
  rmSync(link, { force: true });
  symlinkSync(root, link);
  const { startCodeServer } = await import("../../test/host/support/codeServer.mjs");
  const server = await startCodeServer({ dataDir: home });
  const first = `vscode-remote://${server.authority}${path.join(workspace, FIRST_FILE)}`;
  const query = new URLSearchParams({ folder: workspace, payload: JSON.stringify([["openFile", first]]) });
  process.stdout.write(`\nVS Code with Lacuna: ${server.url}/?${query}\nCtrl-C ends it.\n`);
  process.once("SIGINT", () => void server.stop());
  await server.exited;
  return 0;
}
