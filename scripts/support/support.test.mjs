import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { olderThan, root } from "./bootstrap.mjs";
import { positionBehind } from "./demo.mjs";
import { firstDifference } from "./dependencies.mjs";
import { installLine } from "./requirements.mjs";
import { chooseStages, countResults } from "./stages.mjs";

describe("olderThan", () => {
  it("compares number by number", () => {
    assert.equal(olderThan("20.9.0", "20.19"), true);
    assert.equal(olderThan("20.19.0", "20.19"), false);
    assert.equal(olderThan("22.0.1", "20.19"), false);
    assert.equal(olderThan("18.20.0", "20.19"), true);
  });
});

describe("firstDifference", () => {
  const wanted = {
    packages: {
      "": { name: "lacuna" },
      "node_modules/a": { version: "1.0.0", integrity: "x" },
      "node_modules/a/node_modules/b": { version: "2.0.0", integrity: "y" },
      "node_modules/@esbuild/elsewhere": { version: "1.0.0", integrity: "z", optional: true },
    },
  };
  const installed = (changes) => ({
    packages: {
      "node_modules/a": { version: "1.0.0", integrity: "x" },
      "node_modules/a/node_modules/b": { version: "2.0.0", integrity: "y" },
      ...changes,
    },
  });
  it("is none without other platforms' packages", () => {
    assert.equal(firstDifference(wanted, installed({})), undefined);
  });
  it("is a package of another version", () => {
    const changed = installed({ "node_modules/a": { version: "1.0.1", integrity: "w" } });
    assert.equal(firstDifference(wanted, changed), "node_modules/a");
  });
  it("is a package that is missing, or too many", () => {
    const { "node_modules/a": gone, ...rest } = installed({}).packages;
    assert.ok(gone);
    assert.equal(firstDifference(wanted, { packages: rest }), "node_modules/a");
    assert.equal(
      firstDifference(wanted, installed({ "node_modules/c": { version: "1.0.0" } })),
      "node_modules/c",
    );
  });
});

describe("installLine", () => {
  const requirement = { name: "cmake", probes: [], apt: ["cmake"] };
  const browser = { name: "Chromium", probes: [], apt: ["chromium", "fonts-dejavu-core"] };
  it("names the command", () => {
    assert.equal(
      installLine([requirement, browser], { platform: "linux", root: false, debian: true }),
      "Lacuna needs cmake, Chromium: run `sudo apt-get install -y cmake chromium fonts-dejavu-core`.",
    );
    assert.match(
      installLine([requirement], { platform: "linux", root: true, debian: true }),
      /`apt-get install/,
    );
    assert.match(
      installLine([requirement], { platform: "darwin", root: false, debian: false }),
      /brew install/,
    );
  });
});

describe("countResults", () => {
  it("takes mocha's figures, coloured or not", () => {
    assert.deepEqual(countResults("\n  12 passing (3s)\n  2 pending\n", 0), {
      passed: 12,
      failed: 0,
      skipped: 2,
    });
    assert.deepEqual(countResults("  \u001b[32m12 passing\u001b[0m\n  \u001b[31m3 failing\u001b[0m\n", 3), {
      passed: 12,
      failed: 3,
      skipped: 0,
    });
  });
  it("counts any other command as one check", () => {
    assert.deepEqual(countResults("All matched files use Prettier code style!\n", 0), {
      passed: 1,
      failed: 0,
      skipped: 0,
    });
    assert.deepEqual(countResults("src/a.ts: error\n", 2), { passed: 0, failed: 1, skipped: 0 });
  });
  it("notices a run that ends badly after its last test", () => {
    assert.deepEqual(countResults("  12 passing (3s)\n", 7), { passed: 12, failed: 1, skipped: 0 });
  });
  it("takes a run that skipped all for none that passed, and one without tests for a failure", () => {
    assert.deepEqual(countResults("  0 passing (3ms)\n  4 pending\n", 0), {
      passed: 0,
      failed: 0,
      skipped: 4,
    });
    assert.deepEqual(countResults("  0 passing (1ms)\n", 0), { passed: 0, failed: 1, skipped: 0 });
  });
});

describe("chooseStages", () => {
  const namesOf = (stages) => stages.map(({ name }) => name);
  it("keeps the order and refuses unknown names", () => {
    const { chosen } = chooseStages(["unit", "lint"], "/nowhere");
    assert.deepEqual(namesOf(chosen), ["lint", "unit"]);
    assert.match(chooseStages(["units"], "/nowhere"), /no test stage "units": choose from lint, /);
  });
  it("leaves out stages whose files are not there", () => {
    assert.ok(!namesOf(chooseStages([], "/nowhere").chosen).includes("host"));
  });
  it("leaves out slow stages that are not named, and says which", () => {
    const { chosen, leftOut } = chooseStages([], "/nowhere");
    assert.deepEqual(namesOf(leftOut), ["sanitized", "variants", "server"]);
    assert.ok(!namesOf(chosen).includes("sanitized"));
    const asked = chooseStages(["sanitized", "variants"], "/nowhere");
    assert.deepEqual(namesOf(asked.chosen), ["sanitized", "variants"]);
    assert.deepEqual(asked.leftOut, []);
  });
});

describe("positionBehind", () => {
  it("counts lines and columns from 1", () => {
    assert.deepEqual(positionBehind("a\n  bc d", "bc "), { line: 2, column: 6, lead: "  bc " });
    assert.equal(positionBehind("a", "b"), undefined);
  });
});

describe("the commands of a fresh clone", () => {
  const later = ["catalogue.mjs"]; // for whoever has packages already
  for (const name of readdirSync(path.join(root, "scripts")).filter((file) => file.endsWith(".mjs")))
    if (!later.includes(name))
      it(`${name} begins without any package`, async () => {
        const { metafile } = await build({
          ...{
            absWorkingDir: root,
            entryPoints: [path.join("scripts", name)],
            outdir: "unwritten",
            write: false,
          },
          ...{ bundle: true, metafile: true, packages: "external", platform: "node", format: "esm" },
        });
        const needed = Object.values(metafile.outputs)
          .flatMap(({ imports }) => imports)
          .filter(({ kind, path: from }) => kind === "import-statement" && !from.startsWith("node:"));
        assert.deepEqual(needed, []);
      });
});
