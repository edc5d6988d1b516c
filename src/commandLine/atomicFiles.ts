import { renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeFolderSync } from "../files/makeFolder";
import { CliError, describeFileError } from "./errors";

/** Creates the directory and checks that files can be made in it, before long work is done for it. */
export function prepareDirectory(directory: string, advice: string): void {
  const probe = path.join(directory, `.lacuna-${process.pid}`);
  try {
    makeFolderSync(directory);
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (error) {
    throw new CliError(`Cannot write to ${directory}: ${describeFileError(error)}. ${advice}`);
  }
}

/** Writes all files or none: contents go to temporary names first, then every file takes its place. */
export function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array | string>): void {
  const temporary = (name: string): string => path.join(directory, `.${name}.${process.pid}.tmp`);
  try {
    for (const [name, contents] of files) {
      writeFileSync(temporary(name), contents);
    }
    for (const name of files.keys()) {
      renameSync(temporary(name), path.join(directory, name));
    }
  } catch (error) {
    for (const name of files.keys()) {
      rmSync(temporary(name), { force: true });
    }
    throw new CliError(`Cannot write to ${directory}: ${describeFileError(error)}. Nothing was written.`);
  }
}
