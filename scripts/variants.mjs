// npm run test:variants [-- MOCHA OPTION …]: every CPU variant of the portable build, emulated where this processor is newer. Builds what is missing.
import path from "node:path";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

await script(async () => {
  if (`${process.platform}-${process.arch}` !== "linux-x64")
    throw new Stop(
      "The variants are tried on Linux x64, where qemu's user mode can emulate older processors.",
    );
  await bootstrap();
  const bins = path.join(root, "native/.build/package-bins/linux-x64");
  const build = ["native/build.mjs", "--portable", "--install-to", bins];
  const code = await execute(process.execPath, build, { cwd: root });
  if (code !== 0) return code;
  const mocha = [
    "node_modules/mocha/bin/mocha.js",
    "--config",
    "test/variants.mocharc.json",
    "--forbid-only",
  ];
  return await execute(process.execPath, [...mocha, ...process.argv.slice(2)], { cwd: root });
});
