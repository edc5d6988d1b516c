/**
 * @typedef {object} Target a platform that a package is made for
 * @property {string} platform as `process.platform` there
 * @property {string} arch as `process.arch` there
 * @property {string} bins node-llama-cpp's folder for the binary
 * @property {{ triple: string, system: string, processor: string }} [cross] for zig and for CMake; absent: built on such a machine only
 */

/** By VS Code's names. @type {Record<string, Target>} */
export const targets = {
  "linux-x64": {
    platform: "linux",
    arch: "x64",
    bins: "linux-x64",
    // The glibc that VS Code itself needs.
    cross: { triple: "x86_64-linux-gnu.2.28", system: "Linux", processor: "x86_64" },
  },
  "linux-arm64": {
    platform: "linux",
    arch: "arm64",
    bins: "linux-arm64",
    cross: { triple: "aarch64-linux-gnu.2.28", system: "Linux", processor: "aarch64" },
  },
  "win32-x64": {
    platform: "win32",
    arch: "x64",
    bins: "win-x64",
    cross: { triple: "x86_64-windows-gnu", system: "Windows", processor: "AMD64" },
  },
  "darwin-arm64": { platform: "darwin", arch: "arm64", bins: "mac-arm64-metal" },
  "darwin-x64": { platform: "darwin", arch: "x64", bins: "mac-x64" },
};

/** Names of the targets that zig builds, on any Linux x64. */
export const crossTargets = Object.keys(targets).filter((name) => targets[name].cross !== undefined);
