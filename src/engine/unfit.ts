/** Where the engine is to run, as the process sees it. */
export interface Here {
  readonly platform: string;
  readonly arch: string;
  /** Of the C library that this process runs with; undefined: not glibc. */
  readonly glibc: string | undefined;
  /** Of the system, as `os.release()` gives it. */
  readonly release: string;
}

/** What the binaries of a package ask of a system (native/build/targets.mjs). */
const GLIBC = "2.28";
const WINDOWS = "10";
/** Darwin's own version of macOS 14. */
const MACOS = { name: "14", darwin: "23" };

const PLATFORMS: Readonly<Record<string, string>> = {
  linux: "Linux",
  darwin: "macOS",
  mac: "macOS",
  win32: "Windows",
  win: "Windows",
};

/**
 * Why an installed package cannot work here, in a sentence that says what to do; undefined: nothing is known against it.
 * @param folders names of those that hold binaries, such as `linux-x64` or `mac-arm64-metal`
 */
export function whyUnfit(
  { platform, arch, glibc, release }: Here,
  folders: readonly string[],
): string | undefined {
  const here = nameOf(platform, arch);
  const fits = folders.map((folder) => {
    const [system = "", processor = ""] = folder.split("-");
    return nameOf(system, processor);
  });
  if (fits.length > 0 && !fits.includes(here)) {
    return `This package of Lacuna is for ${[...new Set(fits)].join(", ")}, and VS Code runs on ${here}: install the package for ${here}.`;
  }
  if (platform === "linux" && glibc === undefined) {
    return `Lacuna's engine needs a Linux with glibc ${GLIBC} or newer, and this one has another C library (as Alpine does): use Lacuna with lacuna.server, or on another system.`;
  }
  if (platform === "linux" && isOlder(glibc!, GLIBC)) {
    return `Lacuna's engine needs glibc ${GLIBC} or newer, and this system has ${glibc}: update it, or use Lacuna with lacuna.server.`;
  }
  if (platform === "win32" && isOlder(release, WINDOWS)) {
    return `Lacuna's engine needs Windows ${WINDOWS} or newer, and this is version ${release}: update it, or use Lacuna with lacuna.server.`;
  }
  if (platform === "darwin" && isOlder(release, MACOS.darwin)) {
    return `Lacuna's engine needs macOS ${MACOS.name} or newer, and this one is older (Darwin ${release}): update it, or use Lacuna with lacuna.server.`;
  }
  return undefined;
}

const nameOf = (platform: string, arch: string): string => `${PLATFORMS[platform] ?? platform} ${arch}`;

function isOlder(have: string, want: string): boolean {
  const [a, b] = [have, want].map((version) => version.split(".").map(Number));
  for (const [i, part] of b!.entries()) {
    if ((a![i] ?? 0) !== part) {
      return (a![i] ?? 0) < part;
    }
  }
  return false;
}
