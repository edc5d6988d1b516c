import { existsSync } from "node:fs";
import path from "node:path";
import type { Context } from "../../commandLine/context";
import { UsageError } from "../../commandLine/errors";
import { requireModel } from "../../engine/session";

const BUILT_SERVER = "native/.build/server/bin/llama-server";

/** At most what the model was trained for; all systems get the same. */
export function contextSizeOf(modelPath: string, wanted: number): number {
  const { metadata } = requireModel(modelPath);
  const architecture = metadata.get("general.architecture");
  const trained = metadata.get(`${typeof architecture === "string" ? architecture : ""}.context_length`);
  return typeof trained === "number" ? Math.min(wanted, trained) : wanted;
}

/**
 * The binary of stock llama-server: the one that is named, or the one that has been built here. Undefined for `none`, or when there is none to be
 * found, which a note tells.
 */
export function chooseServer(
  given: string | undefined,
  { install, progress }: Pick<Context, "install" | "progress">,
): string | undefined {
  if (given === "none") {
    return undefined;
  }
  const binary = path.resolve(given ?? path.join(install.root, BUILT_SERVER));
  if (existsSync(binary)) {
    return binary;
  }
  if (given !== undefined) {
    throw new UsageError(`There is no llama-server at ${binary}.`);
  }
  progress.note("Measuring Lacuna alone: there is no llama-server. Run `npm run build:native -- --server`.");
  return undefined;
}
