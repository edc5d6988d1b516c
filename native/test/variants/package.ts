import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";

/** Of the package whose variants are tried; scripts/variants.mjs names it, makes it, and says how its programs are compiled. */
export const TARGET = process.env.LACUNA_TARGET ?? "linux-x64";

const LLAMA = "native/.build/src/llama.cpp";
export const BINS = path.resolve("native/.build/package-bins", TARGET);
const ARCHIVES = `native/.build/${TARGET}-zig/build/llama.cpp/src`;

/** Runs programs of another processor, or of an older one of the same kind. */
const EMULATOR = TARGET === "linux-arm64" ? "qemu-aarch64" : "qemu-x86_64";
export const canEmulate = spawnSync(EMULATOR, ["--version"]).status === 0;

/**
 * All that the emulator knows, but for vectors: of 512 bits, which no processor with products of matrices of bytes has, llama.cpp's kernels for them
 * compute something else.
 */
const EVERYTHING = TARGET === "linux-arm64" ? "max,sve-default-vector-length=16" : "max";

/** Where the emulated program finds its C library, if not on this system. */
const SYSTEM = process.env.LACUNA_SYSTEM === undefined ? [] : ["-L", process.env.LACUNA_SYSTEM];

/** Names of the CPU variants in the package. */
export const VARIANTS: readonly string[] = readdirSync(BINS)
  .map((name) => /^libggml-cpu-(.+)\.so$/.exec(name)?.[1])
  .filter((name) => name !== undefined)
  .sort();

/**
 * Compiles a program for the package's platform, against its libraries.
 * @param sources and options of the compiler
 */
export function compileProgram(program: string, sources: readonly string[]): void {
  const includes = ["src", "include", "ggml/include", "ggml/src"].map((name) => `${LLAMA}/${name}`);
  const named = (folder: string, pattern: RegExp): string[] =>
    readdirSync(folder)
      .filter((name) => pattern.test(name))
      .map((name) => path.join(folder, name));
  execFileSync(process.env.CXX ?? "c++", [
    ...["-std=c++17", "-O1", "-w", ...sources],
    ...["native/addon", ...includes].flatMap((name) => ["-I", name]),
    ...["-o", program, ...named(ARCHIVES, /^libllama\b.*\.a$/)],
    ...[...named(BINS, /^lib(ggml|ggml-base)(\.v[\d.]+)?\.so$/), `-Wl,-rpath,${BINS}`],
  ]);
}

/**
 * Runs such a program: on this processor if it can, else with everything that the emulator knows of the other kind.
 * @param processor to emulate, by qemu's name
 */
export function runProgram(
  program: string,
  args: readonly string[],
  { processor, env = {} }: { processor?: string; env?: Readonly<Record<string, string>> } = {},
): SpawnSyncReturns<string> {
  const here = TARGET === `${process.platform}-${process.arch}` && processor === undefined;
  const command = here ? [] : [EMULATOR, ...SYSTEM, "-cpu", processor ?? EVERYTHING];
  const words = [...command, program, ...args];
  return spawnSync(words[0]!, words.slice(1), { encoding: "utf8", env: { ...process.env, ...env } });
}
