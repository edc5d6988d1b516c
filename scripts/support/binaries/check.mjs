import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { readElf } from "./elf.mjs";
import { readPe } from "./pe.mjs";

/**
 * @typedef {object} Binary
 * @property {"elf" | "pe"} format
 * @property {string} arch as `process.arch`
 * @property {string[]} libraries that it loads
 * @property {{ name: string, weak: boolean, library?: string, version?: string }[]} imports symbols
 * @property {string[]} exports symbols
 */

/** What every system has from the version on that {@link requirement} states. */
const SYSTEM = {
  elf: /^(lib(c|m|dl|pthread|rt)\.so\.\d|ld-linux-(x86-64|aarch64)\.so\.\d)$/,
  // Windows 10 and newer; `api-ms-win-crt-*` is its C library.
  pe: /^(kernel32|advapi32|user32|shell32|ole32|psapi|ws2_32|bcrypt|ntdll|api-ms-win-crt-[a-z]+-l1-1-0)\.dll$/i,
};

/** The newest versions of symbols that a package may ask for, by their family. */
const NEWEST = { GLIBC: "2.28" };

/** For messages. */
const requirement = { elf: "systems with glibc 2.28", pe: "Windows 10" };

const platforms = { linux: "elf", win32: "pe" };

/** Of the program that loads the addon. */
const ofNode = (name) => /^(napi|node_api)_/.test(name);

/**
 * What keeps binaries from loading on a bare system, a sentence for each fault.
 * @param {Map<string, Buffer>} files by name
 * @param {{ platform: string, arch: string }} target
 * @returns {string[]}
 */
export function faultsOf(files, { platform, arch }) {
  const format = platforms[platform];
  const binaries = new Map([...files].map(([name, file]) => [name, readElf(file) ?? readPe(file)]));
  const own = new Map([...binaries].map(([name, binary]) => [name.toLowerCase(), new Set(binary?.exports)]));
  const faults = [];
  for (const [name, binary] of binaries) {
    if (binary?.format !== format || binary.arch !== arch) {
      faults.push(`${name} is no library for ${platform} on ${arch}.`);
      continue;
    }
    for (const library of binary.libraries)
      if (!SYSTEM[format].test(library) && !own.has(library.toLowerCase()))
        faults.push(
          `${name} loads ${library}, which is neither in the package nor on ${requirement[format]}.`,
        );
    const offered = new Set(
      binary.libraries.flatMap((library) => [...(own.get(library.toLowerCase()) ?? [])]),
    );
    for (const symbol of binary.imports) {
      const why = faultOf(symbol, format, own, offered);
      if (why !== undefined) faults.push(`${name} asks for ${symbol.name}${why}.`);
    }
  }
  return faults;
}

function faultOf({ name, library, version, weak }, format, own, offered) {
  if (version !== undefined) {
    const [family, number] = version.split("_");
    const there = NEWEST[family] !== undefined && !isNewer(number, NEWEST[family]);
    return there ? undefined : ` of ${version}, and packages are for ${requirement[format]}`;
  }
  if (library !== undefined)
    return own.get(library.toLowerCase())?.has(name) === false
      ? `, which ${library} does not have`
      : undefined;
  return weak || ofNode(name) || offered.has(name) ? undefined : ", which none of its libraries has";
}

function isNewer(a, b) {
  const [x, y] = [a, b].map((version) => version.split(".").map(Number));
  const at = x.findIndex((part, i) => part !== (y[i] ?? 0));
  return at >= 0 && x[at] > (y[at] ?? 0);
}

/**
 * @param {string} directory
 * @returns {Map<string, Buffer>} its libraries
 */
export const librariesIn = (directory) =>
  new Map(
    readdirSync(directory)
      .filter((name) => /\.(node|dll|so)$/.test(name))
      .map((name) => [name, readFileSync(path.join(directory, name))]),
  );
