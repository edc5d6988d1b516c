import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { dependenciesInstalled } from "./dependencies.mjs";
import { buildRequirements, installLine, missing, testRequirements } from "./requirements.mjs";
import { execute, Stop } from "./steps.mjs";

/** Repository root. */
export const root = path.resolve(import.meta.dirname, "../..");

/**
 * Brings a checkout to where everything can run: packages, native build, bundles. Costs well under a second when
 * nothing changed.
 * @param {{ tests?: boolean, native?: boolean }} [options] `tests`: with what only the tests need; `native: false`: without this machine's own build
 * @throws {Stop} with one line that says what to do
 */
export async function bootstrap({ tests = false, native = true } = {}) {
  checkNode();
  await installSystemPackages([...buildRequirements, ...(tests ? testRequirements : [])]);
  if (!dependenciesInstalled(root)) {
    process.stderr.write("Installing npm packages\n");
    await step(
      "npm",
      ["ci", "--no-audit", "--no-fund"],
      "Installing npm packages failed (see above). Check the network and run it again.",
    );
  }
  if (native) await step(process.execPath, ["native/build.mjs"], "The native build failed (see above).");
  await step(process.execPath, ["esbuild.mjs", "--quiet"], "Bundling failed (see above).");
}

async function step(command, args, failure) {
  const code = await execute(command, args, { cwd: root });
  if (code === 130) throw new Stop("Interrupted. Run it again to go on from here.");
  if (code !== 0) throw new Stop(failure);
}

function checkNode() {
  if (process.platform === "win32")
    throw new Stop(
      "Lacuna is developed on Linux and macOS: run this under WSL, which `wsl --install` installs.",
    );
  const { engines } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const wanted = engines.node.replace(">=", "");
  if (olderThan(process.versions.node, wanted))
    throw new Stop(
      `Lacuna needs Node ${wanted} or newer, and this is ${process.versions.node}: install it from https://nodejs.org.`,
    );
}

/** Compares dotted versions number by number; parts that `b` does not name do not count. */
export function olderThan(a, b) {
  const [have, want] = [a, b].map((version) => version.split(".").map(Number));
  for (const [i, part] of want.entries()) if ((have[i] ?? 0) !== part) return (have[i] ?? 0) < part;
  return false;
}

async function installSystemPackages(requirements) {
  const absent = missing(requirements);
  if (absent.length === 0) return;
  const machine = {
    platform: process.platform,
    root: process.getuid?.() === 0,
    debian: existsSync("/etc/debian_version"),
  };
  const line = installLine(absent, machine);
  if (!machine.root || !machine.debian || process.env["CI"] !== "true") throw new Stop(line);
  const packages = absent.flatMap(({ apt }) => apt);
  process.stderr.write(`Installing ${packages.join(" ")}\n`);
  await step(
    "apt-get",
    ["update", "-qq"],
    "apt-get update failed (see above). Check the network and run it again.",
  );
  await step("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], line);
}
