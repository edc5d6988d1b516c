import path from "node:path";
import type { Arguments } from "../../commandLine/command";
import { UsageError } from "../../commandLine/errors";
import { defaultFolder } from "../../models/download/folder";

/** Where a command of `lacuna models` keeps models. */
export const folderOf = (args: Arguments): string => {
  const given = args.text("to");
  if (given === "") {
    throw new UsageError("--to names no folder.");
  }
  return given === undefined ? defaultFolder() : path.resolve(given);
};

export const TO = { value: "DIR", help: "folder of models (default: $LACUNA_MODELS, or ~/.lacuna/models)" };
