import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { BuildError } from "./errors.mjs";
import { packageDirectory } from "./paths.mjs";
import { outputOf } from "./run.mjs";
import { sha256 } from "./stamp.mjs";

/** Debian's packages for what a build cannot do without. */
const aptPackages = { cmake: "cmake", git: "git", "c++": "g++", make: "make" };

/**
 * @typedef {object} Toolchain
 * @property {string} cmake version
 * @property {boolean} ninja
 * @property {boolean} ccache
 * @property {string} compiler first line of `c++ --version`
 * @property {Record<string, string>} [tools] files of a cross compiler, by name (see `zigFor`)
 * @property {NodeJS.ProcessEnv} [env] what they need in their environment
 * @property {string} processor hash of what `-march=native` depends on
 */

/**
 * @param {import("./options.mjs").Options} options
 * @returns {Toolchain}
 * @throws {BuildError} naming what is missing and the command that installs it
 */
export function findToolchain(options) {
  const compilerCommand = process.env["CXX"] ?? "c++";
  const compiler = outputOf(compilerCommand, ["--version"])?.split("\n")[0];
  const cmake = outputOf("cmake", ["--version"])?.split("\n")[0];
  const ninja = outputOf("ninja", ["--version"]) !== undefined;
  const missing = [
    ...(cmake === undefined ? ["cmake"] : []),
    ...(compiler === undefined ? ["c++"] : []),
    ...(outputOf("git", ["--version"]) === undefined ? ["git"] : []),
    ...(!ninja && outputOf("make", ["--version"]) === undefined ? ["make"] : []),
  ];
  if (missing.length > 0) throw new BuildError(missingMessage(missing));
  if (options.gpu === "cuda" && cudaCompiler() === undefined)
    throw new BuildError("--gpu cuda needs nvcc: install the CUDA toolkit and put its bin folder into PATH.");
  return {
    cmake,
    ninja,
    ccache: outputOf("ccache", ["--version"]) !== undefined,
    compiler: [compiler, options.gpu === "cuda" ? cudaCompiler() : ""].join("\n"),
    processor: processor(),
  };
}

const cudaCompiler = () =>
  outputOf(process.env["CUDACXX"] ?? "nvcc", ["--version"])
    ?.split("\n")
    .at(-1);

function missingMessage(missing) {
  const names = missing.join(", ");
  if (process.platform === "darwin")
    return `The native build needs ${names}: run \`xcode-select --install\` and \`brew install cmake\`.`;
  const packages = missing.map((name) => aptPackages[name]).join(" ");
  return `The native build needs ${names}: run \`sudo apt-get install -y ${packages}\`.`;
}

function processor() {
  if (process.platform !== "linux") return `${process.platform} ${process.arch}`;
  const lines = readFileSync("/proc/cpuinfo", "utf8").split("\n");
  // `vendor_id`, `model`, `flags` (x86) or `CPU part`, `Features` (Arm) of the first core.
  const relevant = ["vendor_id", "cpu family", "model\t", "flags", "CPU implementer", "CPU part", "Features"];
  return sha256(relevant.map((name) => lines.find((line) => line.startsWith(name)) ?? "").join("\n"));
}

/** Include folders of Node-API's C and C++ headers, which come with node-llama-cpp. */
export function nodeApiIncludes() {
  const require = createRequire(path.join(packageDirectory, "package.json"));
  const includes = [
    require("node-api-headers").include_dir,
    path.dirname(require.resolve("node-addon-api/package.json")),
  ];
  for (const directory of includes)
    if (!existsSync(directory)) throw new BuildError(`${directory} is missing: run \`npm ci\`.`);
  return includes;
}
