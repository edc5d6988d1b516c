import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";

const LLAMA = "native/.build/src/llama.cpp";
const BINS = path.resolve(`node_modules/node-llama-cpp/bins/linux-${process.arch}`);

/** What is preloaded for the addon is neither for the compiler nor for such programs. */
export const PROGRAM_ENV = { ...process.env, LD_PRELOAD: "" };

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
