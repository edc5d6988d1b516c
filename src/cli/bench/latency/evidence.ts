import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CliError } from "../../errors";

/** Writes files into a folder, which is made. Throws a {@link CliError} when that cannot be. */
export function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  try {
    mkdirSync(directory, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(path.join(directory, name), content);
    }
  } catch (error) {
    throw new CliError(`Cannot write to ${directory}: ${(error as Error).message}`);
  }
}
