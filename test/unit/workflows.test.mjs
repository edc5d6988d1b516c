import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { targets } from "../../native/build/targets.mjs";

const folder = new URL("../../.github/workflows/", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), "utf8");

describe("the workflows", () => {
  for (const name of readdirSync(folder))
    it(`${name} uses only actions of a digest, with their version beside it`, () => {
      const used = [...read(name).matchAll(/\buses: *(.*)/g)].map((match) => match[1]);
      assert.ok(used.length > 0);
      for (const action of used) assert.match(action, /^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });
  it("test a pull request with the command of the README", () => {
    assert.match(read("test.yml"), /on:\n {2}pull_request:\n/);
    assert.match(read("test.yml"), /- run: npm test\n/);
  });
  it("package and try every target", () => {
    const jobs = [...read("release.yml").matchAll(/target: ([a-z0-9-]+)/g)].map((match) => match[1]).sort();
    assert.deepEqual(jobs, [...Object.keys(targets), ...Object.keys(targets)].sort());
  });
});
