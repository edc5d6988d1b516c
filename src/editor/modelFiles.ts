import { existsSync, readdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { readGguf } from "../models/gguf";
import { fingerprint } from "../models/modelCheck";

/** Where a model that comes with the extension lies, the shipped one first; the other is for development only. */
const BUNDLED = ["media/model", "test/fixtures/models"];

/** The model that comes with the extension in `extensionPath`, if any. */
export function bundledModel(extensionPath: string): string | undefined {
  for (const folder of BUNDLED) {
    const directory = path.join(extensionPath, folder);
    const files = existsSync(directory)
      ? readdirSync(directory).filter((name) => name.endsWith(".gguf"))
      : [];
    const preferred = files.find((name) => name.includes("Q8_0")) ?? files[0];
    if (preferred !== undefined) {
      return path.join(directory, preferred);
    }
  }
  return undefined;
}

/** The model file for a setting: its own path (`~` is the home folder), or the bundled one. Throws a sentence for the user. */
export function requireModel(setting: string, bundled: string | undefined): string {
  const chosen = setting === "" ? bundled : setting.replace(/^~(?=[\\/])/, os.homedir());
  if (chosen === undefined) {
    throw Object.assign(
      new Error("No model comes with this build. Run `Lacuna: Select Model` and choose a GGUF file."),
      {
        code: "model-missing",
      },
    );
  }
  return path.resolve(chosen);
}

/** Identifies a model's contents, see `models/modelCheck`; undefined when the file cannot be read. */
export function fingerprintOf(modelPath: string): string | undefined {
  try {
    return fingerprint(modelPath, readGguf(modelPath));
  } catch {
    return undefined;
  }
}
