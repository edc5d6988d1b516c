import path from "node:path";
import { fileURLToPath } from "node:url";

/** Repository root. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Everything the native build writes, apart from what it installs. Safe to delete. */
export const workDirectory = path.join(root, "native/.build");

/** The installed node-llama-cpp package: where the sources come from and the binary goes to. */
export const packageDirectory = path.join(root, "node_modules/node-llama-cpp");

/** Path relative to the repository, for messages. */
export const shown = (file) => path.relative(root, file) || ".";
