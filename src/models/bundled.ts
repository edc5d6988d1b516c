import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

/** Where a model that comes with the project lies: the shipped one first, the tests' own in a checkout. */
const FOLDERS = ["media/model", "test/fixtures/models"];

/** The model that comes with the installation in `root`, if any. */
export function bundledModel(root: string): string | undefined {
  for (const folder of FOLDERS) {
    const directory = path.join(root, folder);
    const files = existsSync(directory)
      ? readdirSync(directory)
          .filter((name) => name.endsWith(".gguf"))
          .sort()
      : [];
    const chosen = files.find((name) => name.includes("Q8_0")) ?? files[0];
    if (chosen !== undefined) {
      return path.join(directory, chosen);
    }
  }
  return undefined;
}
