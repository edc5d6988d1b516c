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

/** For testing as well: the reference that native results are compared with is written with numpy. @type {Requirement[]} */
export const testRequirements = [
  {
    name: "Python with numpy",
    probes: pythonCandidates().map((python) => [python, "-c", "import numpy"]),
    apt: ["python3", "python3-numpy"],
  },
];

/** Debian's numpy belongs to Debian's Python, which need not be the first in PATH. */
function pythonCandidates() {
  return [process.env["PYTHON"], "python3", "/usr/bin/python3"].filter((name) => name !== undefined);
}

const succeeds = ([command, ...args]) => spawnSync(command, args, { stdio: "ignore" }).status === 0;

/** A Python that has numpy, or undefined. */
export const pythonWithNumpy = () =>
  pythonCandidates().find((python) => succeeds([python, "-c", "import numpy"]));

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
    return `Lacuna needs ${names}: run \`xcode-select --install && brew install cmake numpy\`.`;
  const packages = requirements.flatMap(({ apt }) => apt).join(" ");
  if (!machine.debian) return `Lacuna needs ${names}: install what Debian calls ${packages}.`;
  return `Lacuna needs ${names}: run \`${machine.root ? "" : "sudo "}apt-get install -y ${packages}\`.`;
}
