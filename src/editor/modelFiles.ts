import os from "node:os";
import path from "node:path";
import { fingerprint } from "../models/modelCheck";
import { readModel } from "../models/parts";

/** The model file for a setting: its own path (`~` is the home folder), or the bundled one. Throws a sentence for the user. */
export function requireModel(setting: string, bundled: string | undefined): string {
  const chosen = setting === "" ? bundled : pathOf(setting);
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

/** The path that a setting means: `~` is the home folder of the machine that Lacuna runs on. */
export const pathOf = (setting: string): string => setting.trim().replace(/^~(?=[\\/])/, os.homedir());

/** Identifies a model's contents, see `models/modelCheck`; undefined when the file cannot be read. */
export function fingerprintOf(modelPath: string): string | undefined {
  try {
    return fingerprint(modelPath, readModel(modelPath));
  } catch {
    return undefined;
  }
}
