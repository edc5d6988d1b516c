import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { BuildError } from "./errors.mjs";
import { binsFolder, cmakeDefinitions, machineFor, parseOptions, variantName } from "./options.mjs";

const linux = { platform: "linux", arch: "x64" };
const mac = { platform: "darwin", arch: "arm64" };
const environment = { release: "v0.5.0", includes: ["/a", "/b"], ccache: false };
const definitionsOf = (...args) => cmakeDefinitions(parseOptions(args, linux), linux, environment);

describe("native build options", () => {
  it("default to this machine's CPU, without a GPU", () => {
    const options = parseOptions([], linux);
    assert.equal(binsFolder(options, linux), "linux-x64");
    assert.equal(variantName(options, linux), "linux-x64");
    const definitions = cmakeDefinitions(options, linux, environment);
    assert.equal(definitions.get("GGML_NATIVE"), "ON");
    assert.equal(definitions.get("GGML_BACKEND_DL"), undefined);
    assert.equal(definitions.get("NLC_VARIANT"), "v0.5.0");
    assert.equal(definitions.get("CMAKE_JS_INC"), "/a;/b");
  });
  it("--portable carries every CPU variant and nothing of this machine", () => {
    const definitions = definitionsOf("--portable");
    assert.equal(definitions.get("GGML_NATIVE"), "OFF");
    assert.equal(definitions.get("GGML_CPU_ALL_VARIANTS"), "ON");
    assert.equal(definitions.get("GGML_BACKEND_DL"), "ON");
  });
  it("--gpu reaches CMake and the folder in which node-llama-cpp looks", () => {
    const options = parseOptions(["--gpu", "cuda", "--cuda-arch", "90"], linux);
    assert.equal(binsFolder(options, linux), "linux-x64-cuda");
    const definitions = cmakeDefinitions(options, linux, environment);
    assert.equal(definitions.get("GGML_CUDA"), "ON");
    assert.equal(definitions.get("CMAKE_CUDA_ARCHITECTURES"), "90");
    assert.equal(definitions.get("NLC_VARIANT"), "cuda.v0.5.0");
    assert.equal(binsFolder(parseOptions([], mac), mac), "mac-arm64-metal");
    assert.equal(binsFolder(parseOptions(["--gpu", "none"], mac), mac), "mac-arm64");
  });
  it("--target is a portable build for another machine, with that one's names", () => {
    const options = parseOptions(["--target", "win32-x64"], mac);
    const machine = machineFor(options, mac);
    assert.equal(binsFolder(options, machine), "win-x64");
    assert.equal(variantName(options, machine), "win-x64-zig");
    const tools = { cc: "/zig/cc", "c++": "/zig/c++" };
    const definitions = cmakeDefinitions(options, machine, { ...environment, tools, nodeApi: "/node-api.c" });
    for (const [name, value] of Object.entries({
      GGML_CPU_ALL_VARIANTS: "ON",
      GGML_NATIVE: "OFF",
      GGML_METAL: "OFF",
      CMAKE_SYSTEM_NAME: "Windows",
      CMAKE_CXX_COMPILER: "/zig/c++",
      CMAKE_JS_SRC: "/node-api.c",
    }))
      assert.equal(definitions.get(name), value, name);
    const linked = (project) => readFileSync(definitions.get(`CMAKE_PROJECT_${project}_INCLUDE`), "utf8");
    assert.match(linked("llama.cpp"), /^set\(BUILD_SHARED_LIBS OFF\)$/m);
    assert.match(linked("ggml"), /^set\(BUILD_SHARED_LIBS ON\)$/m);
  });
  it("builds that differ do not share a folder", () => {
    const commandLines = [
      [],
      ["--portable"],
      ["--target", "linux-x64"],
      ["--gpu", "vulkan"],
      ["--sanitize", "address,undefined"],
    ];
    const names = commandLines.map((args) => variantName(parseOptions(args, linux), linux));
    assert.equal(new Set(names).size, names.length);
  });
  it("--sanitize reaches the compiler", () => {
    const definitions = definitionsOf("--sanitize", "address,undefined");
    assert.equal(definitions.get("LACUNA_SANITIZE"), "-fsanitize=address,undefined");
    const addon = definitions.get("CMAKE_PROJECT_llama-addon_INCLUDE");
    assert.match(readFileSync(addon, "utf8"), /if \(LACUNA_SANITIZE\)\n +include\(.*sanitize\.cmake/);
    assert.match(
      readFileSync(path.join(path.dirname(addon), "sanitize.cmake"), "utf8"),
      /target_compile_options\(\$\{target\} PRIVATE \$\{LACUNA_SANITIZE\} /,
    );
    assert.equal(definitionsOf().has("LACUNA_SANITIZE"), false);
  });
  for (const [args, message] of [
    [["--gpu", "rocm"], /--gpu rocm is not known: use cuda, metal, vulkan or none/],
    [["--cuda-arch", "90"], /--cuda-arch needs --gpu cuda/],
    [["--sanitize", "memory"], /--sanitize memory is not known/],
    [["--sanitize", "address,thread"], /excludes address/],
    [["--sanitize", "address", "--portable"], /leave --portable out/],
    [["--target", "plan9-x64"], /--target plan9-x64 is not known: use linux-x64, linux-arm64, win32-x64/],
    [["--target", "linux-x64", "--gpu", "cuda"], /leave --gpu and --sanitize out/],
    [["--jobs", "0"], /--jobs 0 is not a whole number above 0/],
    [["--fast"], /'--fast'.*--help/],
  ])
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(
        () => parseOptions(args, linux),
        (error) => error instanceof BuildError && message.test(error.message),
      );
    });
});
