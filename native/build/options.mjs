import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BuildError } from "./errors.mjs";
import { crossTargets, targets } from "./targets.mjs";

export const usage = `node native/build.mjs [options]

Builds llama.cpp (from node-llama-cpp's own package, with native/patches) and the addon (with native/addon), and
installs them into node_modules/node-llama-cpp/bins, where getLlama() finds them. Does nothing when nothing changed.

  --portable          for distribution: every CPU variant, chosen when loaded (default: this machine's CPU)
  --target NAME       as --portable, for ${crossTargets.join(", ")}: by zig, fetched from PyPI the first time (Linux x64 only)
  --gpu NAME          cuda, metal or vulkan (default: none; metal on Apple silicon)
  --cuda-arch LIST    CUDA architectures, such as 90 or 86;90 (default: llama.cpp's choice)
  --sanitize LIST     address, undefined or thread: a test build, for scripts/sanitize.mjs
  --server            build nothing but llama-server, from the stock sources and what repairs them (stays in native/.build):
                      the rival in \`lacuna bench latency\`
  --install-to DIR    install into DIR instead of node-llama-cpp's bins
  --jobs N            compile N files at a time (default: one for each core)
  --force             build even when the stamp says that nothing changed
  --checkout DIR      build nothing: make a git work tree of the patched llama.cpp, one commit for each patch
  --help
`;

const ownCMake = (name) => fileURLToPath(new URL(name, import.meta.url));

const gpus = ["cuda", "metal", "vulkan"];
const sanitizers = ["address", "undefined", "thread"];

/**
 * @typedef {object} Options
 * @property {boolean} portable
 * @property {string | undefined} target
 * @property {false | "cuda" | "metal" | "vulkan"} gpu
 * @property {string | undefined} cudaArchitectures
 * @property {string[]} sanitizers
 * @property {boolean} server
 * @property {string | undefined} installTo
 * @property {number | undefined} jobs
 * @property {boolean} force
 * @property {string | undefined} checkout
 * @property {boolean} help
 */

/**
 * @param {string[]} args command line without node and script
 * @param {{ platform: string, arch: string }} machine
 * @returns {Options}
 * @throws {BuildError} naming the argument that is wrong
 */
export function parseOptions(args, machine) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        portable: { type: "boolean", default: false },
        target: { type: "string" },
        gpu: { type: "string" },
        "cuda-arch": { type: "string" },
        sanitize: { type: "string" },
        server: { type: "boolean", default: false },
        "install-to": { type: "string" },
        jobs: { type: "string" },
        force: { type: "boolean", default: false },
        checkout: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new BuildError(`${error.message.split(". ")[0]}. See \`node native/build.mjs --help\`.`);
  }
  if (values.target !== undefined && !crossTargets.includes(values.target))
    throw new BuildError(`--target ${values.target} is not known: use ${crossTargets.join(", ")}.`);
  if (values.target !== undefined && (values.gpu !== undefined || values.sanitize !== undefined))
    throw new BuildError(
      "--target is a build for processors, to distribute: leave --gpu and --sanitize out.",
    );
  const metal = values.target === undefined && machine.platform === "darwin" && machine.arch === "arm64";
  const gpu = values.gpu === undefined ? metal && "metal" : values.gpu === "none" ? false : values.gpu;
  if (gpu !== false && !gpus.includes(gpu))
    throw new BuildError(`--gpu ${gpu} is not known: use ${gpus.join(", ")} or none.`);
  if (values["cuda-arch"] !== undefined && gpu !== "cuda")
    throw new BuildError("--cuda-arch needs --gpu cuda.");
  const sanitize = (values.sanitize ?? "").split(",").filter((name) => name !== "");
  for (const name of sanitize)
    if (!sanitizers.includes(name))
      throw new BuildError(`--sanitize ${name} is not known: use ${sanitizers.join(", ")}.`);
  if (sanitize.length > 0 && values.portable)
    throw new BuildError("--sanitize is for this machine's CPU: leave --portable out.");
  if (sanitize.includes("thread") && sanitize.includes("address"))
    throw new BuildError("--sanitize thread excludes address: make two builds.");
  const jobs = values.jobs === undefined ? undefined : Number(values.jobs);
  if (jobs !== undefined && (!Number.isInteger(jobs) || jobs < 1))
    throw new BuildError(`--jobs ${values.jobs} is not a whole number above 0.`);
  return {
    portable: values.portable || values.target !== undefined,
    target: values.target,
    gpu,
    cudaArchitectures: values["cuda-arch"],
    sanitizers: sanitize,
    server: values.server,
    installTo: values["install-to"],
    jobs,
    force: values.force,
    checkout: values.checkout,
    help: values.help,
  };
}

/**
 * The machine that a build is for.
 * @param {Options} options
 * @param {{ platform: string, arch: string }} machine this one
 * @returns {{ platform: string, arch: string }}
 */
export const machineFor = ({ target }, machine) => (target === undefined ? machine : targets[target]);

const platformNames = { linux: "linux", darwin: "mac", win32: "win" };

/**
 * The folder in which node-llama-cpp looks for a binary: `<platform>-<arch>[-<gpu>]` in its own names.
 * @param {Options} options
 * @param {{ platform: string, arch: string }} machine
 */
export function binsFolder(options, machine) {
  const platform = platformNames[machine.platform];
  if (platform === undefined) throw new BuildError(`The native build does not know ${machine.platform}.`);
  return [platform, machine.arch, ...(options.gpu === false ? [] : [options.gpu])].join("-");
}

/**
 * The build directory's name: builds that differ in their options never share object files.
 * @param {Options} options
 * @param {{ platform: string, arch: string }} machine
 */
export function variantName(options, machine) {
  return [
    binsFolder(options, machine),
    ...(options.target !== undefined ? ["zig"] : options.portable ? ["portable"] : []),
    ...(options.sanitizers.length > 0 ? ["sanitize", ...options.sanitizers] : []),
  ].join("-");
}

/**
 * CMake definitions, after node-llama-cpp's own `compileLLamaCpp.js`: what it sets for its published binaries when
 * `portable`, for a local build otherwise, except that OpenMP is off in both, so that what is measured here
 * is what is shipped.
 * @param {Options} options
 * @param {{ platform: string, arch: string }} machine
 * @param {{ release: string, includes: string[], ccache: boolean, tools?: Record<string, string>, nodeApi?: string }} environment `tools`: for
 * a target, see `zigFor`; `nodeApi`: file with Node-API's functions for Windows
 * @returns {Map<string, string>}
 */
export function cmakeDefinitions(options, machine, environment) {
  const target = `${platformNames[machine.platform]}-${machine.arch}`;
  const definitions = new Map([
    ["CMAKE_BUILD_TYPE", "Release"],
    ["CMAKE_CONFIGURATION_TYPES", "Release"],
    ["CMAKE_JS_INC", environment.includes.join(";")],
    ["CMAKE_PROJECT_llama-addon_INCLUDE", ownCMake("addon.cmake")],
    ["CMAKE_JS_VERSION", "0"], // llama.cpp leaves its tests out when it sees this
    ["NLC_CURRENT_PLATFORM", target],
    ["NLC_TARGET_PLATFORM", target],
    ["NLC_VARIANT", [...(options.gpu === false ? [] : [options.gpu]), environment.release].join(".")],
    ["GGML_BUILD_NUMBER", "1"],
    ["LLAMA_BUILD_NUMBER", "1"],
    ["LLAMA_BUILD_COMMIT", environment.release],
    ["LLAMA_CURL", "OFF"],
    ["LLAMA_HTTPLIB", "OFF"],
    ["LLAMA_BUILD_BORINGSSL", "OFF"],
    ["LLAMA_OPENSSL", "OFF"],
    ["GGML_OPENMP", "OFF"],
    ["GGML_CCACHE", "OFF"], // the launchers below do the same, for our own files too
    ["GGML_METAL", options.gpu === "metal" ? "ON" : "OFF"],
    ["GGML_NATIVE", options.portable ? "OFF" : "ON"],
  ]);
  const set = (name, value) => definitions.set(name, value);
  if (options.portable) {
    set("NLC_CI_MODE", "ON");
    set("GGML_BACKEND_DL", "ON");
    if (["x64", "arm64"].includes(machine.arch)) set("GGML_CPU_ALL_VARIANTS", "ON");
    if (machine.platform === "linux")
      for (const kind of ["SHARED", "MODULE"]) set(`CMAKE_${kind}_LINKER_FLAGS`, "-s");
  }
  if (options.gpu === "cuda") set("GGML_CUDA", "ON");
  if (options.gpu === "vulkan") set("GGML_VULKAN", "ON");
  if (options.cudaArchitectures !== undefined) set("CMAKE_CUDA_ARCHITECTURES", options.cudaArchitectures);
  if (environment.ccache) {
    for (const language of ["C", "CXX", ...(options.gpu === "cuda" ? ["CUDA"] : [])])
      set(`CMAKE_${language}_COMPILER_LAUNCHER`, "ccache");
  }
  if (machine.platform === "darwin") {
    set("CMAKE_OSX_ARCHITECTURES", machine.arch === "x64" ? "x86_64" : machine.arch);
    set("CMAKE_SHARED_LINKER_FLAGS", "-undefined dynamic_lookup");
    if (options.portable) set("CMAKE_OSX_DEPLOYMENT_TARGET", "14.0");
  }
  if (options.sanitizers.length > 0) set("LACUNA_SANITIZE", `-fsanitize=${options.sanitizers.join(",")}`);
  if (options.target !== undefined) crossDefinitions(targets[options.target], environment, set);
  return definitions;
}

/**
 * What CMake has to know about another platform, and about zig's libc++, of which every library gets one of its own: exceptions do not pass from
 * one into another, so llama.cpp's C++ is linked into the addon, and what is loaded by itself (ggml and its CPU variants) has a C interface.
 */
function crossDefinitions({ platform, cross }, { tools, nodeApi }, set) {
  // What node-llama-cpp sets for a build on Windows is for Microsoft's libraries.
  set("NLC_CURRENT_PLATFORM", "linux-x64");
  set("CMAKE_SYSTEM_NAME", cross.system);
  set("CMAKE_SYSTEM_PROCESSOR", cross.processor);
  set("CMAKE_C_COMPILER", tools.cc);
  set("CMAKE_CXX_COMPILER", tools["c++"]);
  set("CMAKE_AR", tools.ar);
  set("CMAKE_RANLIB", tools.ranlib);
  // Nothing of this machine is for another.
  set("CMAKE_FIND_ROOT_PATH", "/nonexistent");
  for (const kind of ["PACKAGE", "LIBRARY", "INCLUDE"]) set(`CMAKE_FIND_ROOT_PATH_MODE_${kind}`, "ONLY");
  for (const language of ["C", "CXX"])
    set(`CMAKE_${language}_FLAGS`, "-g0 -fomit-frame-pointer -ffunction-sections -fdata-sections");
  for (const kind of ["SHARED", "MODULE"]) set(`CMAKE_${kind}_LINKER_FLAGS`, "-s -Wl,--gc-sections");
  set("LACUNA_PACKAGE", "ON");
  set("CMAKE_PROJECT_llama.cpp_INCLUDE", ownCMake("static.cmake"));
  set("CMAKE_PROJECT_ggml_INCLUDE", ownCMake("shared.cmake"));
  if (platform === "win32") {
    set("CMAKE_RC_COMPILER", tools.rc);
    set("CMAKE_DLLTOOL", tools.dlltool);
    set("CMAKE_JS_SRC", nodeApi);
  }
}
