import { availableParallelism } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Ladder, rungFile, rungsFor, type ForkOptions } from "../engine/client";
import { bundledModel } from "../models/bundled";
import { cacheDirectory } from "./cacheDirectory";
import type { Arguments } from "./command";
import { UsageError } from "./errors";
import type { Progress } from "./progress";

/** Where the command runs from: `dist/cli.mjs` of an installation, or `src/cli/` of a checkout under a loader. */
export interface Install {
  readonly root: string;
  readonly host: Pick<ForkOptions, "hostPath" | "execArgv">;
}

export function locateInstall(moduleUrl: string): Install {
  const file = fileURLToPath(moduleUrl);
  const directory = path.dirname(file);
  if (file.endsWith(".mjs")) {
    return { root: path.dirname(directory), host: { hostPath: path.join(directory, "engine-host.mjs") } };
  }
  // The loader that runs this file runs the engine, too.
  const hostPath = path.join(directory, "../engine/host.ts");
  return { root: path.join(directory, "../.."), host: { hostPath, execArgv: process.execArgv } };
}

/** Where the engine starts on this processor, remembered in the user's cache directory. */
export function engineLadder(install: Install, progress: Pick<Progress, "note">): Ladder {
  const memory = rungFile(
    cacheDirectory(process.env),
    path.join(install.root, "node_modules/node-llama-cpp/bins"),
  );
  return new Ladder(rungsFor(process.platform, process.arch), memory, ({ rung, signal }) => {
    progress.note(
      `The engine's fastest code does not run on this processor (${signal}): it runs ${rung.how}, more slowly. Please report it.`,
    );
  });
}

export function chooseModel(given: string | undefined, install: Install): string {
  const model = given ?? bundledModel(install.root);
  if (model === undefined) {
    throw new UsageError("No model comes with this installation. Name a GGUF file with --model.");
  }
  return path.resolve(model);
}

const MAX_THREADS = 256;

/** More threads than cores make every one of them wait; hyper-threads do not help matrix products. */
export function chooseThreads(args: Arguments): number {
  return args.integer("threads", Math.min(8, availableParallelism()), 1, MAX_THREADS);
}
