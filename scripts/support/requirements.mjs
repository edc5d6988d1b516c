import { spawnSync } from "node:child_process";

/**
 * What this machine has to have. `probe`: a command that succeeds when it is there; `apt`: Debian's packages.
 * @typedef {{ name: string, probes: string[][], apt: string[] }} Requirement
 */

/** For building and running. @type {Requirement[]} */
export const buildRequirements = [
  { name: "git", probes: [["git", "--version"]], apt: ["git"] },
  { name: "cmake", probes: [["cmake", "--version"]], apt: ["cmake"] },
  { name: "a C++ compiler", probes: [["c++", "--version"]], apt: ["g++"] },
  {
    name: "make or ninja",
    probes: [
      ["ninja", "--version"],
      ["make", "--version"],
    ],
    apt: ["make"],
  },
];

/** For testing as well. @type {Requirement[]} */
export const testRequirements = [
  ...(process.platform === "linux"
    ? [
        {
          // Where the desktop VS Code cannot run, its workbench runs in a browser.
          name: "Chromium",
          probes: chromiumCandidates().map((file) => ["test", "-x", file]),
          apt: ["chromium", "fonts-dejavu-core"],
        },
      ]
    : []),
];

function chromiumCandidates() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const own = process.env["CHROMIUM"];
  return [...(own === undefined ? [] : [own]), ...names.map((name) => `/usr/bin/${name}`)];
}

const succeeds = ([command, ...args]) => spawnSync(command, args, { stdio: "ignore" }).status === 0;

/** @param {Requirement[]} requirements */
export const missing = (requirements) => requirements.filter(({ probes }) => !probes.some(succeeds));

/**
 * One line that says what to do.
 * @param {Requirement[]} requirements that are missing
 * @param {{ platform: string, root: boolean, debian: boolean }} machine
 */
export function installLine(requirements, machine) {
  const names = requirements.map(({ name }) => name).join(", ");
  if (machine.platform === "darwin")
    return `Lacuna needs ${names}: run \`xcode-select --install && brew install cmake\`.`;
  const packages = requirements.flatMap(({ apt }) => apt).join(" ");
  if (!machine.debian) return `Lacuna needs ${names}: install what Debian calls ${packages}.`;
  return `Lacuna needs ${names}: run \`${machine.root ? "" : "sudo "}apt-get install -y ${packages}\`.`;
}
