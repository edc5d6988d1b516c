import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { BuildError } from "./errors.mjs";
import { workDirectory } from "./paths.mjs";
import { run } from "./run.mjs";
import { sha256 } from "./stamp.mjs";

/**
 * The C and C++ compiler of the packages: Clang with headers and C libraries of every platform, as PyPI's package holds it. It links its own
 * libc++ into every library, so that nothing but the C library is asked of a system.
 */
export const ziglang = {
  version: "0.17.1",
  /** Of the wheel for Linux x64, where packages are made. */
  sha256: "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
};

const home = path.join(workDirectory, `zig-${ziglang.version}`);
const zig = path.join(home, "ziglang/zig");

/**
 * What `zig NAME -target TRIPLE` is called, as CMake wants one file for each tool. ggml names Arm's processors as GCC does
 * (`-march=armv8.2-a+dotprod+fp16`), zig by LLVM's features.
 * @param {string} zig
 * @param {string} name
 * @param {string} triple
 */
export const wrapper = (zig, name, triple) => `#!/bin/sh
# ziglang ${ziglang.version}
for word do
  shift
  case $word in
    -march=armv*) word=$(echo "$word" | sed -E '
      s/^-march=armv8-a/-mcpu=generic/
      s/^-march=armv([0-9]+)\\.([0-9]+)-a/-mcpu=generic+v\\1_\\2a/
      s/[+]fp16/+fullfp16/
      s/[+]nosve/-sve/') ;;
  esac
  set -- "$@" "$word"
done
exec '${zig}' ${name} -target ${triple} "$@"
`;

/**
 * Fetches zig by pip, once, and writes the tools for one target.
 * @param {import("./targets.mjs").Target} target
 * @param {import("./progress.mjs").Progress} progress
 * @returns {Promise<{ compiler: string, tools: Record<"cc" | "c++" | "ar" | "ranlib" | "rc" | "dlltool", string>, env: NodeJS.ProcessEnv }>}
 * `compiler`: its version; `env`: what the tools and ccache need in their environment
 * @throws {BuildError} when it cannot be fetched, or is not what it was
 */
export async function zigFor({ cross }, progress) {
  if (!existsSync(zig)) await fetchZig(progress);
  const directory = path.join(home, "bin", cross.triple);
  mkdirSync(directory, { recursive: true });
  const tools = {};
  for (const name of ["cc", "c++", "ar", "ranlib", "rc", "dlltool"]) {
    const file = path.join(directory, name);
    const text = /^c/.test(name)
      ? wrapper(zig, name, cross.triple)
      : `#!/bin/sh\nexec '${zig}' ${name} "$@"\n`;
    // CMake, ninja and ccache take a newer file for another compiler.
    if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
    chmodSync(file, 0o755);
    tools[name] = file;
  }
  const env = {
    ZIG_GLOBAL_CACHE_DIR: path.join(workDirectory, "zig-cache"),
    CCACHE_COMPILERTYPE: "clang",
    CCACHE_COMPILERCHECK: `string:${sha256(wrapper("zig", "cc", cross.triple))}`,
  };
  return { compiler: `zig ${ziglang.version} ${cross.triple}`, tools, env };
}

async function fetchZig(progress) {
  if (`${process.platform}-${process.arch}` !== "linux-x64")
    throw new BuildError("Packages for other platforms are made on Linux x64 (WSL is one).");
  progress.phase(`Fetching zig ${ziglang.version} from PyPI (96 MiB)`);
  const fresh = `${home}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const requirement = path.join(fresh, "requirements.txt");
  writeFileSync(requirement, `ziglang==${ziglang.version} --hash=sha256:${ziglang.sha256}\n`);
  const pip = ["-m", "pip", "install", "--no-deps", "--only-binary", ":all:", "--require-hashes"];
  const where = ["--quiet", "--no-warn-script-location", "--target", fresh, "-r", requirement];
  const { code, lines } = await run("python3", [...pip, ...where]).catch((error) => ({
    code: 1,
    lines: [error.message],
  }));
  if (code !== 0) {
    progress.end("failed");
    const hint = lines.some((line) => /No module named pip|ENOENT/.test(line))
      ? "install it with `sudo apt-get install -y python3-pip`"
      : (lines.findLast((line) => line.startsWith("ERROR")) ?? lines.at(-1) ?? "no output");
    throw new BuildError(`Zig ${ziglang.version} cannot be fetched by pip: ${hint}`);
  }
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  progress.end();
}
