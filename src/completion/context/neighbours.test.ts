import assert from "node:assert/strict";
import { importedChunks, siblingChunks, type Project } from "./neighbours";

/** A project of these files, seen from one of them. */
function projectOf(files: Readonly<Record<string, string>>, own: string): Project {
  const folder = own.slice(0, own.lastIndexOf("/") + 1);
  return {
    name: own.slice(folder.length),
    beside: () =>
      Promise.resolve(
        Object.keys(files)
          .filter((path) => path.startsWith(folder) && !path.slice(folder.length).includes("/"))
          .map((path) => path.slice(folder.length)),
      ),
    first: (candidates, fromRoot) => {
      const path = candidates.map((name) => (fromRoot ? "" : folder) + name).find((name) => name in files);
      return Promise.resolve(path === undefined ? undefined : { path, text: files[path]! });
    },
  };
}

describe("the neighbours of a document", () => {
  const files = {
    "src/cartStore.ts": 'import { price } from "./prices";\nimport { run } from "./missing";\n',
    "src/prices.ts": "const secretFactor = 2;\nexport function price(a: number): number {\n  return a;\n}\n",
    "src/cart.ts": "class Cart {}\n",
    "src/cartView.ts": "class CartView {}\n",
    "src/cartStore.md": "about\n",
    "src/zebra.ts": "stripes\n",
    "src/apple.ts": "core\n",
    "src/deep/cartStore.ts": "deep\n",
  };

  it("are the declarations of what it imports", async () => {
    const own = "src/cartStore.ts";
    assert.deepEqual(await importedChunks(files[own], "typescript", projectOf(files, own)), [
      {
        path: "src/prices.ts",
        text: "export function price(a: number): number {\n  return a;\n}",
        source: "import",
      },
    ]);
  });

  it("are three files of its folder and kind, with the likest names first", async () => {
    const chunks = await siblingChunks(projectOf(files, "src/cartStore.ts"));
    assert.deepEqual(
      chunks.map(({ path, source }) => [path, source]),
      [
        ["src/cart.ts", "sibling"],
        ["src/cartView.ts", "sibling"],
        ["src/apple.ts", "sibling"],
      ],
    );
  });

  it("are none for a document that is alone", async () => {
    const project = projectOf({ "a.py": "from . import b\n" }, "a.py");
    assert.deepEqual(await siblingChunks(project), []);
    assert.deepEqual(await importedChunks("from . import b\n", "python", project), []);
  });
});
