import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { familyTable } from "../../native/test/models/familyTable";

it("the table of families in docs/families.md is this one", () => {
  const file = "docs/families.md";
  const written = readFileSync(file, "utf8");
  const current = written.replace(/^\| family [^]*?\n\n/m, `${familyTable()}\n\n`);
  if (process.env.UPDATE_DOCS === "1") {
    writeFileSync(file, current);
  } else {
    assert.equal(written, current);
  }
});
