import { existsSync } from "node:fs";
import path from "node:path";

/**
 * @typedef {object} Stage
 * @property {string} name as given to `npm test -- NAME`
 * @property {string[][]} commands each is one check, or one mocha run with checks of its own
 * @property {string} [needs] left out while this file does not exist
 * @property {boolean} [slow] left out unless it is named
 */

const bin = (name) => path.join("node_modules/.bin", name);
const mocha = (config) => [bin("mocha"), "--config", config, "--forbid-only"];

/** What `npm test` runs, in this order: the quickest to fail first. @type {Stage[]} */
export const stages = [
  {
    name: "lint",
    commands: [
      [bin("eslint"), "."],
      [bin("prettier"), "--check", "--log-level", "warn", "."],
    ],
  },
  {
    name: "typecheck",
    commands: [
      [bin("tsc"), "--noEmit"],
      [bin("tsc"), "--noEmit", "-p", "media/dashboard"],
    ],
  },
  { name: "unit", commands: [mocha("test/unit.mocharc.json")] },
  { name: "native", commands: [mocha("test/native.mocharc.json")] },
  { name: "sanitized", commands: [[process.execPath, "scripts/sanitize.mjs"]], slow: true },
  { name: "variants", commands: [[process.execPath, "scripts/variants.mjs"]], slow: true },
  { name: "server", commands: [[process.execPath, "scripts/server.mjs"]], slow: true },
  { name: "engine", commands: [mocha("test/engine.mocharc.json")] },
  { name: "host", commands: [[process.execPath, "test/host/run.mjs"]], needs: "test/host/run.mjs" },
  { name: "ui", commands: [[process.execPath, "test/ui/run.mjs"]], needs: "test/ui/run.mjs" },
];

/**
 * @param {string[]} names of the command line; none: every stage
 * @param {string} root
 * @returns {{ chosen: Stage[], leftOut: Stage[] } | string} `leftOut`: slow ones that nobody asked for; a message when a name is unknown
 */
export function chooseStages(names, root) {
  const unknown = names.find((name) => !stages.some((stage) => stage.name === name));
  if (unknown !== undefined)
    return `There is no test stage "${unknown}": choose from ${stages.map(({ name }) => name).join(", ")}.`;
  const there = stages.filter(({ needs }) => needs === undefined || existsSync(path.join(root, needs)));
  if (names.length > 0) return { chosen: there.filter(({ name }) => names.includes(name)), leftOut: [] };
  const leftOut = there.filter(({ slow }) => slow === true);
  return { chosen: there.filter((stage) => !leftOut.includes(stage)), leftOut };
}

/**
 * Counts one command: mocha's own figures when it printed any, otherwise the command is one check. A run of mocha without any test has failed.
 * @param {string} output
 * @param {number} code exit code
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countResults(output, code) {
  // eslint-disable-next-line no-control-regex -- colours
  const plain = output.replace(/\u001b\[[0-9;]*m/g, "");
  const figures = (word) =>
    [...plain.matchAll(new RegExp(`^\\s+(\\d+) ${word}\\b`, "gm"))].map(([, n]) => Number(n));
  const sum = (word) => figures(word).reduce((total, n) => total + n, 0);
  if (figures("passing").length === 0)
    return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
  const [passed, failed, skipped] = [sum("passing"), sum("failing"), sum("pending")];
  // A run that ends with an error after its last test has failed too.
  const wrong = code !== 0 || passed + failed + skipped === 0;
  return { passed, failed: wrong && failed === 0 ? 1 : failed, skipped };
}

/** "12 passed, 0 failed", and what was skipped. */
export function inWords({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
