import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { makeFolderSync } from "../files/makeFolder";
import type { RungMemory } from "./clientLadder";

/** The processor's name, as the operating system gives it. */
export const processorName = (): string => cpus()[0]?.model.trim() ?? "unknown processor";

/**
 * Remembers the rung in a file of its own for each binary and processor: another build or another machine with the same home begins at the top. A
 * file that cannot be read or written is as none.
 * @param binsDirectory where node-llama-cpp's binaries are
 */
export function rungFile(directory: string, binsDirectory: string): RungMemory {
  const key = createHash("sha256")
    .update(JSON.stringify([processorName(), binariesIn(binsDirectory)]))
    .digest("hex");
  const file = path.join(directory, `${key.slice(0, 16)}.rung`);
  return {
    read: () => attempt(() => readFileSync(file, "utf8").trim()),
    write: (name) => {
      attempt(() => {
        if (name === undefined) {
          rmSync(file, { force: true });
          return;
        }
        makeFolderSync(directory);
        writeFileSync(file, name);
      });
    },
  };
}

/** What changes with every build: names, sizes and times of the files. */
function binariesIn(directory: string): readonly string[] {
  const names = attempt(() => readdirSync(directory, { recursive: true, encoding: "utf8" })) ?? [];
  return names.sort().map((name) => {
    const file = attempt(() => statSync(path.join(directory, name)));
    return `${name} ${file?.size} ${file?.mtimeMs}`;
  });
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
