import assert from "node:assert/strict";
import { ShownFiles } from "./shownFiles";

const file = (path: string, text = path): { path: string; text: string } => ({ path, text });
const [A, B, C, D] = [file("a"), file("b"), file("c"), file("d")];

describe("ShownFiles", () => {
  it("stay, those that were chosen, in their order, while the same are there to choose from", () => {
    const shown = new ShownFiles();
    assert.deepEqual(shown.offer([A, B, C]), { context: [A, B, C], stay: false });
    shown.choose([A, C]);
    assert.deepEqual(shown.offer([C, B, file("a")]), { context: [A, C], stay: true });
    assert.deepEqual(shown.offer([A, B, C]), { context: [A, C], stay: true });
  });

  it("come before new ones, and go when they are not given or say something else", () => {
    const shown = new ShownFiles();
    shown.offer([A, B, C]);
    shown.choose([A, B, C]);
    assert.deepEqual(shown.offer([D, C, A]), { context: [A, C, D], stay: false });
    shown.choose([A, C, D]);
    const changed = file("c", "else");
    assert.deepEqual(shown.offer([D, changed, A]), { context: [A, D, changed], stay: false });
  });
});
