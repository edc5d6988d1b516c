// npm run test:variants [-- MOCHA OPTION …]: every CPU variant of the package for Linux x64, emulated where this processor is newer. Builds what is missing.
import path from "node:path";
import { Progress } from "../native/build/progress.mjs";
import { targets } from "../native/build/targets.mjs";
import { zigFor } from "../native/build/zig.mjs";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

await script(async () => {
  if (`${process.platform}-${process.arch}` !== "linux-x64")
    throw new Stop(
      "The variants are tried on Linux x64, where qemu's user mode can emulate older processors.",
    );
  await bootstrap({ native: false });
  const bins = path.join(root, "native/.build/package-bins/linux-x64");
  const build = ["native/build.mjs", "--target", "linux-x64", "--install-to", bins];
  const code = await execute(process.execPath, build, { cwd: root });
  if (code !== 0) return code;
  const mocha = [
    "node_modules/mocha/bin/mocha.js",
    "--config",
    "test/variants.mocharc.json",
    "--forbid-only",
  ];
  // The test's own program is made by what made the package.
  const { tools, env } = await zigFor(targets["linux-x64"], new Progress());
  return await execute(process.execPath, [...mocha, ...process.argv.slice(2)], {
    cwd: root,
    env: { ...process.env, ...env, CXX: tools["c++"] },
  });
});
