import os from "node:os";
import path from "node:path";
import { fingerprint } from "../models/modelCheck";
import { readModel } from "../models/parts";

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
    return fingerprint(modelPath, readModel(modelPath));
  } catch {
    return undefined;
  }
}
