import assert from "node:assert/strict";
import { placeAt } from "../../completion/testing";
import { projectContext } from "./givenProject";

describe("projectContext", () => {
  const files = [
    { path: "lib/prices.ts", text: "export function price(item: Item): number {\n  return item.price;\n}\n" },
    { path: "lib/cart/items.ts", text: "export class Item {\n  price = 0;\n  total = 1;\n}\n" },
    { path: "lib/cart/keys.ts", text: `const item = "ghp_${"a".repeat(36)}"; // price of the item, total\n` },
    { path: "docs/cart.ts", text: "price item total price\n" },
  ];
  const place = placeAt('import { price } from "../prices";\nclass Item {}\nlet total = price(item│)\n');

  it("shows what a file imports and the files beside it, but nothing with a key in it", async () => {
    const shown = await projectContext(place, "lib/cart/cart.ts", files, 1024);
    assert.deepEqual(shown.map((file) => file.path).sort(), ["lib/cart/items.ts", "lib/prices.ts"]);
  });

  it("shows no more than the model's context has room for", async () => {
    assert.deepEqual(await projectContext(place, "lib/cart/cart.ts", files, 16), []);
  });
});
