import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

/** The model that comes with the installation in `root`, if any. */
export function bundledModel(root: string): string | undefined {
  const directory = path.join(root, "media/model");
  const files = existsSync(directory)
    ? readdirSync(directory)
        .filter((name) => name.endsWith(".gguf"))
        .sort()
    : [];
  const chosen = files.find((name) => name.includes("Q8_0")) ?? files[0];
  return chosen === undefined ? undefined : path.join(directory, chosen);
}
