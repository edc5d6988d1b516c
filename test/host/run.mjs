// `npm run test:host`: mocha inside the extension host of a real VS Code, through @vscode/test-electron.
//
//   --vsix FILE     test the installed package instead of the working copy
//   --grep PATTERN  only these tests
//   --no-build      take dist/ as it is
//
// VSCODE_TEST_EXECUTABLE names a `code` to run. Unset: the desktop build, downloaded by @vscode/test-electron. Where that is out of reach
// (no internet, no display): VS Code's own server and workbench under headless Chromium, see support/vscodeShim.mjs.
import { execFileSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runTests } from "@vscode/test-electron";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const shim = path.join(root, "test/host/support/vscodeShim.mjs");
const { values } = parseArgs({
  options: { vsix: { type: "string" }, grep: { type: "string" }, "no-build": { type: "boolean" } },
});

async function executable() {
  if (process.env.VSCODE_TEST_EXECUTABLE !== undefined) {
    return process.env.VSCODE_TEST_EXECUTABLE;
  }
  const display = process.platform !== "linux" || process.env.DISPLAY !== undefined;
  const reachable = await lookup("update.code.visualstudio.com").then(
    () => true,
    () => false,
  );
  if (display && reachable) {
    return undefined;
  }
  console.error(
    `${reachable ? "No display" : "VS Code cannot be downloaded here"}: using VS Code's server (code-server) instead.`,
  );
  return shim;
}

/** A workspace of two folders of one name with the same files, `one/app` and `two/app`. @returns its file */
function severalFolders(root) {
  const folders = ["one/app", "two/app"];
  for (const folder of folders) {
    mkdirSync(path.join(root, folder, ".vscode"), { recursive: true });
    writeFileSync(path.join(root, folder, ".vscode/settings.json"), '{ "lacuna.maxTokens": 5 }\n');
    writeFileSync(
      path.join(root, folder, "sum.js"),
      `${"export const one = 1;\n".repeat(30)}const total = \n`,
    );
  }
  const file = path.join(root, "apps.code-workspace");
  writeFileSync(file, JSON.stringify({ folders: folders.map((folder) => ({ path: folder })) }));
  return file;
}

const workspace = mkdtempSync(path.join(os.tmpdir(), "lacuna-workspace-"));
const several = mkdtempSync(path.join(os.tmpdir(), "lacuna-folders-"));
try {
  if (values["no-build"] !== true) {
    execFileSync(process.execPath, [path.join(root, "esbuild.mjs"), "--quiet"], {
      cwd: root,
      stdio: "inherit",
    });
  }
  const vscodeExecutablePath = await executable();
  cpSync(path.join(root, "test/fixtures/workspace"), workspace, { recursive: true });
  // An installed package is the extension under test; VS Code wants a development extension all the same to run tests.
  const empty = path.join(root, "test/host/support/empty-extension");
  const vsix = values.vsix === undefined ? undefined : path.resolve(values.vsix);
  if (vsix !== undefined && !existsSync(vsix)) {
    throw new Error(`${vsix} does not exist; make it with \`npm run package\`.`);
  }
  const profile = path.join(workspace, ".profile");
  mkdirSync(profile);
  const usesShim = vscodeExecutablePath === shim;
  let ran = 0;
  for (const opened of [workspace, severalFolders(several)]) {
    if (values.grep !== undefined && ran > 0) {
      break; // what was asked for has run
    }
    const report = path.join(several, `${path.basename(opened)}.json`);
    await runTests({
      ...(vscodeExecutablePath === undefined ? {} : { vscodeExecutablePath }),
      extensionDevelopmentPath: vsix === undefined ? root : empty,
      extensionTestsPath: path.join(root, "dist/test/host/index.cjs"),
      extensionTestsEnv: {
        LACUNA_TEST_REPORT: report,
        ...(values.grep === undefined ? {} : { LACUNA_TEST_GREP: values.grep }),
      },
      launchArgs: [
        opened,
        ...(vsix === undefined ? [] : [`--install-extension=${vsix}`]),
        ...(usesShim ? [] : ["--disable-workspace-trust", `--user-data-dir=${profile}`]),
      ],
    });
    const { passes, failures } = existsSync(report)
      ? JSON.parse(readFileSync(report, "utf8"))
      : { passes: 0, failures: 0 };
    if (failures > 0) {
      throw new Error(`${failures} tests failed.`);
    }
    ran += passes;
    if (passes === 0 && values.grep === undefined) {
      throw new Error("The tests did not run to their end.");
    }
  }
  if (ran === 0) {
    throw new Error("The tests did not run to their end.");
  }
} catch (error) {
  console.error(String(error instanceof Error ? error.message : error));
  process.exitCode = 1;
} finally {
  for (const folder of [workspace, several]) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
