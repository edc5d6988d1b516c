import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { BuildError } from "./errors.mjs";
import { root, shown } from "./paths.mjs";
import { failureLines, missingPiece, parseProgress } from "./progress.mjs";
import { run } from "./run.mjs";
import { filesUnder, stampOf } from "./stamp.mjs";

/** The environment of every CMake run. `recompiles`: what ccache has may come from another compiler or processor. */
function environment(recompiles, env) {
  return {
    ...process.env,
    ...env,
    ...(recompiles ? { CCACHE_RECACHE: "true" } : {}),
    // llama.cpp asks git for its commit: the repository around the work directory must not answer.
    GIT_DIR: path.join(root, "native/.build/no-repository"),
    NINJA_STATUS: "[%f/%t] ",
    // The same sources in two checkouts share their object files.
    CCACHE_BASEDIR: root,
    CCACHE_NOHASHDIR: "true",
  };
}

/**
 * Empties the build tree when it was made by another compiler or for another processor: with a compiler of the same name, or with
 * `-march=native`, the command lines are the same, and neither ninja nor ccache would see that anything has to be compiled again.
 * @returns {{ recompiles: boolean, done(): void }} `recompiles` until what has begun so is `done`, which may take several builds
 */
function prepareTree(directory, toolchain) {
  const file = `${directory}.toolchain`;
  const [known, state] = existsSync(file) ? readFileSync(file, "utf8").split(" ") : [toolchain];
  const recompiles = known !== toolchain || state !== undefined;
  if (known !== toolchain) {
    rmSync(directory, { recursive: true, force: true });
    rmSync(`${directory}.configured`, { force: true });
  }
  writeFileSync(file, recompiles ? `${toolchain} recompiling` : toolchain);
  return { recompiles, done: () => writeFileSync(file, toolchain) };
}

/**
 * Configures and compiles; goes on where an interrupted build stopped.
 * @param {object} build
 * @param {string} build.sources source tree, see `prepareSources`
 * @param {string} build.directory build tree
 * @param {Map<string, string>} build.definitions
 * @param {{ compiler: string, processor: string }} build.toolchain what object files depend on besides their command lines
 * @param {NodeJS.ProcessEnv} [build.env] what the compiler needs in its environment
 * @param {boolean} build.ninja
 * @param {string[]} build.targets
 * @param {number | undefined} build.jobs
 * @param {import("./progress.mjs").Progress} build.progress
 * @throws {BuildError} with what the compiler said
 */
export async function compile({
  sources,
  directory,
  definitions,
  toolchain,
  env,
  ninja,
  targets,
  jobs,
  progress,
}) {
  mkdirSync(path.dirname(directory), { recursive: true });
  const { compiler, processor } = toolchain;
  const tree = prepareTree(directory, stampOf({ compiler, processor }));
  const log = `${directory}.log`;
  const generator = ninja ? "Ninja" : "Unix Makefiles";
  const step = async (what, args, onLine) => {
    appendFileSync(log, `${["cmake", ...args].join(" ")}\n`);
    const { code, signal, lines } = await run("cmake", args, {
      env: environment(tree.recompiles, env),
      onLine: (line) => {
        appendFileSync(log, `${line}\n`);
        onLine?.(line);
      },
    });
    if (code === 0) return;
    progress.end("failed");
    if (signal !== null || code === 130)
      throw new BuildError("Interrupted. Run it again to go on from here.");
    const hint = missingPiece(lines);
    if (hint !== undefined) throw new BuildError(`${what} failed: ${hint}\nAll of it: ${shown(log)}`);
    throw new BuildError(`${what} failed:\n\n${failureLines(lines).join("\n")}\n\nAll of it: ${shown(log)}`);
  };

  // CMake finds sources by pattern when it configures: a new file needs a new configuration.
  const configured = `${directory}.configured`;
  const configuration = stampOf({
    generator,
    definitions: JSON.stringify([...definitions]),
    files: filesUnder(sources, (file) => !file.startsWith("llama.cpp/")).join("\n"),
  });
  const before = existsSync(configured) ? readFileSync(configured, "utf8") : "";
  writeFileSync(log, "");
  if (before !== configuration) {
    // Object files stay good: what CMake decides is in the command lines, which ninja compares.
    rmSync(path.join(directory, "CMakeCache.txt"), { force: true });
    rmSync(path.join(directory, "CMakeFiles"), { recursive: true, force: true });
    rmSync(configured, { force: true });
    // Libraries of targets that are no more would be installed.
    rmSync(path.join(directory, "bin"), { recursive: true, force: true });
    progress.phase("Configuring the native build");
    const defines = [...definitions].map(([name, value]) => `-D${name}=${value}`);
    await step("Configuring", [
      "-S",
      sources,
      "-B",
      directory,
      "-G",
      generator,
      "--no-warn-unused-cli",
      ...defines,
    ]);
    writeFileSync(configured, configuration);
  }

  progress.phase("Compiling llama.cpp and the addon");
  const parallel = String(jobs ?? os.availableParallelism());
  await step("Compiling", ["--build", directory, "--parallel", parallel, "--target", ...targets], (line) => {
    const at = parseProgress(line);
    if (at !== undefined) progress.update(at.fraction, at.text);
  });
  tree.done();
  progress.end();
}
