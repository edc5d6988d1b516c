import assert from "node:assert/strict";
import { goldenHoles } from "../../../test/goldenHoles";
import { applyFilters, FILTERS } from "./index";

const holes = goldenHoles();

describe(`the golden set (${holes.length} right completions)`, () => {
  it("is large", () => assert.ok(holes.length > 1_000, String(holes.length)));

  for (const [name, filter] of Object.entries(FILTERS)) {
    it(`survives ${name} unchanged`, () => {
      const changed = holes.filter((hole) => filter(hole.middle, hole) !== hole.middle);
      const told = changed
        .slice(0, 20)
        .map(
          (hole) =>
            `${hole.document}: ${JSON.stringify(hole.prefix.slice(-80))} │ ${JSON.stringify(hole.middle)} became ` +
            `${JSON.stringify(filter(hole.middle, hole))} before ${JSON.stringify(hole.suffix.slice(0, 80))}`,
        );
      assert.equal(changed.length, 0, `${changed.length} of ${holes.length}:\n${told.join("\n")}`);
    });
  }

  it("survives all of them, one after the other", () => {
    assert.deepEqual(
      holes.filter((hole) => applyFilters(hole.middle, hole) !== hole.middle),
      [],
    );
  });
});
