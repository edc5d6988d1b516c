// npm run test:variants [-- TARGET] [-- MOCHA OPTION …]: every CPU variant of a package for Linux, emulated where this processor is newer or another.
// Builds what is missing.
import path from "node:path";
import { workDirectory } from "../native/build/paths.mjs";
import { Progress } from "../native/build/progress.mjs";
import { targets } from "../native/build/targets.mjs";
import { zigFor } from "../native/build/zig.mjs";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { debian11, needs } from "./support/platform/runners.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

const NAMES = ["linux-x64", "linux-arm64"];

await script(async () => {
  if (`${process.platform}-${process.arch}` !== "linux-x64")
    throw new Stop(
      "The variants are tried on Linux x64, where qemu's user mode can emulate other processors.",
    );
  const words = process.argv.slice(2);
  const name = words[0] === undefined || words[0].startsWith("-") ? "linux-x64" : words.shift();
  if (!NAMES.includes(name))
    throw new Stop(`The variants for ${name} cannot be tried: choose from ${NAMES.join(", ")}.`);
  if (words[0] === "--") words.shift();
  await bootstrap({ native: false });
  const bins = path.join(root, "native/.build/package-bins", targets[name].bins);
  const build = ["native/build.mjs", "--target", name, "--install-to", bins];
  const emulated = {};
  if (name === "linux-arm64") {
    needs("qemu-aarch64", "qemu-user");
    emulated.LACUNA_SYSTEM = await debian11(path.join(workDirectory, "platform"), "arm64");
  }
  const code = await execute(process.execPath, build, { cwd: root });
  if (code !== 0) return code;
  const mocha = [
    "node_modules/mocha/bin/mocha.js",
    "--config",
    "test/variants.mocharc.json",
    "--forbid-only",
  ];
  // The test's own programs are made by what made the package.
  const { tools, env } = await zigFor(targets[name], new Progress());
  return await execute(process.execPath, [...mocha, ...words], {
    cwd: root,
    env: { ...process.env, ...env, CXX: tools["c++"], LACUNA_TARGET: name, ...emulated },
  });
});
