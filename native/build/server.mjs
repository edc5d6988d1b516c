import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "./compile.mjs";
import { withLock } from "./lock.mjs";
import { shown, workDirectory } from "./paths.mjs";
import { bundle, checkoutStock, repairs } from "./sources.mjs";
import { sha256, stampOf } from "./stamp.mjs";

/** Where the stock server is, once it has been built. */
export const serverBinary = path.join(workDirectory, "server/bin/llama-server");

const stampFile = path.join(workDirectory, "server/stamp");

/**
 * llama.cpp's own defaults for a release build, without what needs the network: the rival in `lacuna bench latency` has to be
 * what people run. One executable, which can be moved.
 * @param {{ ccache: boolean }} toolchain
 * @returns {Map<string, string>}
 */
export function serverDefinitions({ ccache }) {
  const definitions = new Map([
    ["CMAKE_BUILD_TYPE", "Release"],
    ["BUILD_SHARED_LIBS", "OFF"],
    ["LLAMA_BUILD_TESTS", "OFF"],
    ["LLAMA_BUILD_EXAMPLES", "OFF"],
    ["LLAMA_BUILD_APP", "OFF"],
    ["LLAMA_BUILD_UI", "OFF"],
    ["LLAMA_USE_PREBUILT_UI", "OFF"],
    ["LLAMA_OPENSSL", "OFF"],
    ["GGML_CCACHE", "OFF"], // the launchers below do the same
  ]);
  if (ccache)
    for (const language of ["C", "CXX"]) definitions.set(`CMAKE_${language}_COMPILER_LAUNCHER`, "ccache");
  return definitions;
}

/**
 * Builds llama-server from the sources that node-llama-cpp bundles, with no patch but what repairs them. Does nothing when nothing changed.
 * @param {{ toolchain: import("./toolchain.mjs").Toolchain, jobs: number | undefined, force: boolean, progress: import("./progress.mjs").Progress }} build
 * @throws {BuildError} with what the compiler said
 */
export async function buildServer({ toolchain, jobs, force, progress }) {
  const definitions = serverDefinitions(toolchain);
  const sources = path.join(workDirectory, "server/src");
  const release = stampOf({
    bundle: sha256(readFileSync(bundle)),
    repairs: sha256(repairs.map((file) => readFileSync(file, "utf8")).join("")),
  });
  const stamp = stampOf({
    release,
    own: sha256(readFileSync(fileURLToPath(import.meta.url))),
    definitions: JSON.stringify([...definitions]),
    compiler: toolchain.compiler,
    processor: toolchain.processor,
  });
  const built = () => existsSync(serverBinary) && contentOf(stampFile) === stamp;
  if (!force && built()) return;
  const waiting = (owner) => process.stderr.write(`Waiting for the native build of process ${owner} …\n`);
  await withLock(path.join(workDirectory, "server.lock"), waiting, async () => {
    if (!force && built()) return;
    const unpacked = `${sources}.stamp`;
    if (contentOf(unpacked) !== release) {
      progress.phase("Unpacking stock llama.cpp");
      await checkoutStock(sources);
      writeFileSync(unpacked, release);
      progress.end();
    }
    const directory = path.join(workDirectory, "server/build");
    const targets = ["llama-server"];
    await compile({
      sources,
      directory,
      definitions,
      toolchain,
      ninja: toolchain.ninja,
      targets,
      jobs,
      progress,
    });
    mkdirSync(path.dirname(serverBinary), { recursive: true });
    const fresh = `${serverBinary}.new`;
    copyFileSync(path.join(directory, "bin/llama-server"), fresh);
    renameSync(fresh, serverBinary); // a server that runs keeps its file
    rmSync(stampFile, { force: true });
    writeFileSync(stampFile, stamp);
    process.stderr.write(`Built stock llama-server: ${shown(serverBinary)}\n`);
  });
}

const contentOf = (file) => (existsSync(file) ? readFileSync(file, "utf8") : undefined);
