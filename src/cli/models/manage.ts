import { stat } from "node:fs/promises";
import { parseCommand, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { CliError, UsageError } from "../../commandLine/errors";
import { findChoice } from "../../models/catalogue/catalogue";
import { fileName } from "../../models/download/address";
import { parseAddress, nameOf } from "../../models/download/address";
import { DownloadError, size } from "../../models/download/errors";
import { hashFile, ModelFolder } from "../../models/download/folder";
import { GgufError, readGguf } from "../../models/gguf";
import { folderOf, TO } from "./folder";

export const MODELS_WHERE: CommandSpec = {
  name: "models where",
  usage: "models where [NAME] [--to DIR]",
  summary: "Prints the folder of fetched models, or the path of one.",
  options: { to: TO },
  examples: ["lacuna models where", "lacuna models where qwen2.5-coder-1.5b"],
};

export const MODELS_CHECK: CommandSpec = {
  name: "models check",
  usage: "models check [NAME] [--to DIR] [--json]",
  summary: "Reads fetched models again and compares their hashes with what was fetched.",
  options: { to: TO },
  examples: ["lacuna models check", "lacuna models check qwen2.5-coder-1.5b"],
};

export const MODELS_REMOVE: CommandSpec = {
  name: "models remove",
  usage: "models remove NAME [--to DIR]",
  summary: "Removes a fetched model, or what was fetched of it.",
  options: { to: TO },
  examples: ["lacuna models remove qwen2.5-coder-1.5b"],
};

export async function modelsWhere(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(MODELS_WHERE, words);
  const folder = new ModelFolder(folderOf(args));
  const [name, ...more] = args.positionals;
  if (more.length > 0) {
    throw new UsageError("Name one model, or none. See `lacuna models where --help`.");
  }
  if (name === undefined) {
    context.output(`${folder.folder}\n`);
    return;
  }
  const file = fileOf(name);
  if (!(await folder.names()).includes(file)) {
    throw new CliError(`${file} is not in ${folder.folder}. Fetch it with \`lacuna models get ${name}\`.`);
  }
  context.output(`${folder.path(file)}\n`);
}

export async function modelsCheck(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(MODELS_CHECK, words);
  const folder = new ModelFolder(folderOf(args));
  const named = [...new Set(args.positionals.map(fileOf))];
  const names = named.length === 0 ? await folder.names() : named;
  const records = await folder.records();
  const results: {
    file: string;
    state: "right" | "changed" | "damaged" | "missing" | "unknown";
    why: string;
  }[] = [];
  for (const name of names) {
    const { state, why } = await check(folder.path(name), records.get(name)?.sha256, context);
    results.push({ file: name, state, why });
  }
  context.progress.end();
  if (args.flag("json")) {
    context.output(`${JSON.stringify(results, undefined, 2)}\n`);
  } else {
    const lines = results.map(({ file, why }) => `${file}: ${why}\n`);
    context.output(lines.length === 0 ? `There are no models in ${folder.folder}.\n` : lines.join(""));
  }
  const missing = results.filter(({ state }) => state === "missing");
  const wrong = results.filter(({ state }) => state === "changed" || state === "damaged");
  if (wrong.length > 0) {
    throw new CliError(
      `${wrong.map(({ file }) => file).join(", ")}: remove with \`lacuna models remove\` and fetch again.`,
    );
  }
  if (missing.length > 0) {
    throw new CliError(
      `${missing.map(({ file }) => file).join(", ")}: not in ${folder.folder}, or not to be read there. Fetch with \`lacuna models get\`.`,
    );
  }
}

async function check(
  file: string,
  expected: string | undefined,
  context: Context,
): Promise<{ state: "right" | "changed" | "damaged" | "missing" | "unknown"; why: string }> {
  let bytes: number;
  try {
    bytes = readGguf(file).fileBytes;
  } catch (error) {
    if (error instanceof GgufError) {
      return { state: "damaged", why: error.message };
    }
    return { state: "missing", why: "is not there, or may not be read" };
  }
  if (expected === undefined) {
    return {
      state: "unknown",
      why: `whole by its header (${size(bytes)}); it was not fetched by Lacuna, so its hash is not known`,
    };
  }
  const sha256 = await hashFile(file, context.signal, (done) =>
    context.progress.report("Reading", done / bytes),
  );
  return sha256 === expected
    ? { state: "right", why: `right (${size(bytes)})` }
    : { state: "changed", why: "has other contents than were fetched" };
}

export async function modelsRemove(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(MODELS_REMOVE, words);
  const [name] = args.positionals;
  if (name === undefined || args.positionals.length !== 1) {
    throw new UsageError("Name one model. See `lacuna models remove --help`.");
  }
  const folder = new ModelFolder(folderOf(args));
  const file = fileOf(name);
  const isThere = await stat(folder.folder).then(
    (info) => info.isDirectory(),
    () => false,
  );
  if (!isThere || !(await folder.exclusively(file, () => folder.remove(file)).catch(rethrow))) {
    throw new CliError(`${file} is not in ${folder.folder}.`);
  }
  context.output(`Removed ${file}.\n`);
}

/** The file's name for a name of the catalogue, an address, or itself. */
function fileOf(name: string): string {
  try {
    const address = findChoice(name)?.file.address;
    if (address === undefined && !/^(hf:|https?:)/i.test(name)) {
      return fileName(name);
    }
    const parsed = parseAddress(address ?? name);
    if (parsed.kind === "url") {
      return fileName(nameOf(parsed.url) ?? name);
    }
    if ("file" in parsed.what) {
      return fileName(parsed.what.file.split("/").at(-1)!);
    }
    throw new UsageError(
      `${name} does not say which file it is. Give the file's name, as in \`lacuna models check\`.`,
    );
  } catch (error) {
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  throw error instanceof DownloadError ? new CliError(error.message) : error;
}
