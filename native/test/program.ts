import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** As the native build has patched it. */
export const LLAMA = "native/.build/src/llama.cpp";
const BINS = path.resolve(`node_modules/node-llama-cpp/bins/linux-${process.arch}`);

/** What is preloaded for the addon is neither for the compiler nor for such programs. */
export const PROGRAM_ENV = { ...process.env, LD_PRELOAD: "" };

/** In a suite: a folder for its programs. Without what they are compiled from, the suite is skipped, and says so. */
export function programFolder(): () => string {
  let folder: string | undefined;
  before(function () {
    if (process.platform !== "linux" || !existsSync(LLAMA) || !existsSync(BINS)) {
      console.log("    Not tested: needs Linux and the sources of the native build (npm run build:native).");
      this.skip();
    }
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-program-"));
  });
  after(() => {
    if (folder !== undefined) {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return () => folder!;
}

/**
 * Compiles a test's own program with parts of the addon, against the libraries of the native build.
 * @param sources and options of the compiler
 */
export function compileProgram(program: string, sources: readonly string[]): void {
  const includes = ["src", "include", "ggml/include", "ggml/src"].map((name) => `${LLAMA}/${name}`);
  const libraries = readdirSync(BINS).filter((name) =>
    /^lib(llama|ggml|ggml-base|ggml-cpu)(\.v[\d.]+)?\.so$/.test(name),
  );
  execFileSync(
    process.env.CXX ?? "c++",
    [
      ...["-std=c++17", "-O1", "-w", ...sources],
      ...["native/addon", ...includes].flatMap((name) => ["-I", name]),
      ...["-o", program, ...libraries.map((name) => path.join(BINS, name)), `-Wl,-rpath,${BINS}`],
    ],
    { env: PROGRAM_ENV },
  );
}
