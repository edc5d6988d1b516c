// npm run bench:package -- MODEL [ROUNDS] [THREADS]: the package for Linux x64, as the portable compiler made it, against this machine's own build: both in
// turns, each round in a process of its own, the quickest round of each.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { workDirectory } from "../native/build/paths.mjs";
import { root } from "./support/bootstrap.mjs";
import { bundleFor } from "./support/platform/bundles.mjs";
import { unpackedPackage } from "./support/platform/package.mjs";
import { script, Stop } from "./support/steps.mjs";

await script(async () => {
  const [model, rounds = "5", threads = "2"] = process.argv.slice(2);
  if (model === undefined || !existsSync(model))
    throw new Stop("Name a GGUF file: npm run bench:package -- MODEL.gguf [ROUNDS] [THREADS].");
  const scratch = path.join(workDirectory, "platform/compare");
  rmSync(scratch, { recursive: true, force: true });
  const places = {
    "this machine's own": path.join(scratch, "own"),
    "the package's": await unpackedPackage("linux-x64", scratch),
  };
  const best = {};
  for (const place of Object.values(places)) await bundleFor(root, ["test/platform/speed.ts"], place);
  for (let round = 0; round < Number(rounds); round++)
    for (const [name, place] of Object.entries(places)) {
      const program = path.join(place, "test/platform/speed.mjs");
      const { stdout, status } = spawnSync(process.execPath, [program, path.resolve(model), threads], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      });
      if (status !== 0) throw new Stop(`With ${name} libraries it failed (see above).`);
      const seen = JSON.parse(stdout);
      for (const what of ["prefill", "decode"])
        for (const clock of ["wall", "cpu"]) {
          const key = `${what} ${clock}`;
          best[key] ??= {};
          best[key][name] = Math.min(best[key][name] ?? Infinity, seen[what][clock]);
        }
    }
  const [own, packaged] = Object.keys(places);
  for (const [key, ms] of Object.entries(best))
    process.stdout.write(
      `${key.padEnd(12)} ${ms[own].toFixed(3)} ms a token with ${own}, ${ms[packaged].toFixed(3)} with ${packaged}: ${(ms[own] / ms[packaged]).toFixed(3)} of the speed\n`,
    );
});
