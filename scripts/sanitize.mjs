// npm run test:sanitized [-- MOCHA OPTION …]: the native tests with AddressSanitizer and UndefinedBehaviorSanitizer in ggml, llama.cpp
// and the addon. Builds what is missing; the installed binary stays as it is.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { binsFolder, parseOptions, variantName } from "../native/build/options.mjs";
import { packageDirectory, workDirectory } from "../native/build/paths.mjs";
import { outputOf } from "../native/build/run.mjs";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { findings, sanitizedEnvironment, SANITIZERS } from "./support/sanitizers.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

const machine = { platform: process.platform, arch: process.arch };

/** Path of libasan.so, which belongs to the compiler. */
function runtimeOf(compiler) {
  const runtime = outputOf(compiler, ["-print-file-name=libasan.so"]);
  if (runtime !== undefined && existsSync(runtime)) return runtime;
  throw new Stop(`${compiler} has no libasan.so: run \`sudo apt-get install -y g++\` and use GCC (CXX=g++).`);
}

await script(async () => {
  if (process.platform !== "linux")
    throw new Stop("Sanitized runs need Linux, where libasan can be preloaded.");
  const runtime = runtimeOf(process.env["CXX"] ?? "c++");
  await bootstrap();
  const build = ["--sanitize", SANITIZERS];
  const code = await execute(process.execPath, ["native/build.mjs", ...build], { cwd: root });
  if (code !== 0) return code;

  const options = parseOptions(build, machine);
  const folder = binsFolder(options, machine);
  const sanitized = path.join(workDirectory, variantName(options, machine), "bins", folder);
  const installed = path.join(packageDirectory, "bins", folder);
  const reports = mkdtempSync(path.join(tmpdir(), "lacuna-sanitized-"));
  try {
    const env = sanitizedEnvironment({ root, runtime, sanitized, installed, reports }, process.env);
    // Not mocha's own launcher: it would start another Node to import tsx in.
    const mocha = [
      "--import",
      "tsx",
      "node_modules/mocha/lib/cli/cli.js",
      "--config",
      "test/native.mocharc.json",
    ];
    const active = ["--spec", "native/test/sanitize/active.test.mjs", "--forbid-only"];
    const failed = await execute(process.execPath, [...mocha, ...active, ...process.argv.slice(2)], {
      cwd: root,
      env,
    });
    const found = readdirSync(reports).flatMap((name) =>
      findings(readFileSync(path.join(reports, name), "utf8"), sanitized),
    );
    for (const finding of found) process.stderr.write(`\n${finding}\n`);
    if (found.length > 0)
      process.stderr.write(`\nThe sanitizers have ${found.length} findings (see above).\n`);
    return failed === 0 && found.length > 0 ? 1 : failed;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
});
