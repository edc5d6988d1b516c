import os from "node:os";
import path from "node:path";
import { readFile, realpath } from "node:fs/promises";
import type { GgufHeader } from "../gguf";
import { writesText } from "../modelCheck";
import { readModel } from "../parts";
import { ModelFolder } from "../download/folder";
import { quantizationOf } from "../download/hub";
import { tuningOf, type Tuning } from "../tuning";
import { findGgufFiles } from "./ggufFiles";
import { ollamaFolders, ollamaModels } from "./ollama";

/** A model that is on this machine already, used where it is. */
export interface FoundModel {
  readonly path: string;
  readonly bytes: number;
  readonly name: string;
  /** The program whose folder it is in: `Ollama`, `LM Studio` and so on. */
  readonly source: string;
  readonly quantization: string | undefined;
  /** Whether it fills in the middle; undefined: the file does not tell. */
  readonly fim: boolean | undefined;
  readonly tuning: Tuning | undefined;
}

export interface DiscoveryOptions {
  readonly home?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Lacuna's own folders. */
  readonly extra?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Folders of GGUF files, and whose they are. */
async function folders(
  home: string,
  env: NodeJS.ProcessEnv,
): Promise<(readonly [source: string, folder: string])[]> {
  const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const cache = set("XDG_CACHE_HOME") ?? path.join(home, ".cache");
  const hub = set("HF_HUB_CACHE") ?? path.join(set("HF_HOME") ?? path.join(cache, "huggingface"), "hub");
  // LM Studio writes down where it was moved to, and where its models were.
  const moved = await readFile(path.join(home, ".lmstudio-home-pointer"), "utf8").catch(() => "");
  const studio = moved.trim() === "" ? path.join(home, ".lmstudio") : moved.trim();
  return [
    ["models", path.join(home, "models")],
    ["llama.cpp", set("LLAMA_CACHE") ?? path.join(cache, "llama.cpp")],
    ["llama.cpp", path.join(home, "Library", "Caches", "llama.cpp")],
    ["llama.cpp", path.join(set("LOCALAPPDATA") ?? path.join(home, "AppData", "Local"), "llama.cpp")],
    ["Hugging Face", hub],
    ["LM Studio", (await downloadsFolder(studio)) ?? path.join(studio, "models")],
    ["LM Studio", path.join(home, ".cache", "lm-studio", "models")],
    ["node-llama-cpp", path.join(home, ".node-llama-cpp", "models")],
  ];
}

/** Where LM Studio's settings say that models are. */
async function downloadsFolder(studio: string): Promise<string | undefined> {
  try {
    const settings = JSON.parse(await readFile(path.join(studio, "settings.json"), "utf8")) as {
      readonly downloadsFolder?: unknown;
    };
    const { downloadsFolder: folder } = settings;
    return typeof folder === "string" && path.isAbsolute(folder) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Every model in the places where programs keep them, by name. What is missing, may not be read or is not whole is passed over, as is what writes no text. */
export async function findModels({
  home = os.homedir(),
  env = process.env,
  extra = [],
  signal,
}: DiscoveryOptions = {}): Promise<FoundModel[]> {
  /** By the file that holds the weights: links to it may have many names. */
  const found = new Map<string, FoundModel>();
  const add = async (file: string, model: (about: About) => FoundModel): Promise<void> => {
    const real = await realpath(file).catch(() => file);
    const about = found.has(real) ? undefined : await describe(file);
    if (about !== undefined) {
      found.set(real, model(about));
    }
  };
  await Promise.all(extra.map((folder) => new ModelFolder(folder).settle().catch(() => undefined)));
  const places = [...extra.map((folder) => ["Lacuna", folder] as const), ...(await folders(home, env))];
  for (const [source, folder] of places) {
    for (const { path: file, bytes } of await findGgufFiles([folder], signal)) {
      await add(file, (about) => ({
        ...{ path: file, bytes, source, name: path.basename(file).replace(/(-00001-of-\d{5})?\.gguf$/i, "") },
        ...about,
        quantization: quantizationOf(file) ?? about.quantization,
      }));
    }
  }
  for (const folder of ollamaFolders(env, home)) {
    for (const model of await ollamaModels(folder)) {
      await add(model.path, (about) => ({
        ...{ path: model.path, bytes: model.bytes, source: "Ollama", name: model.name },
        quantization: quantizationOf(model.name.split(":").at(-1)!) ?? about.quantization,
        fim: model.fim ? true : about.fim,
        tuning: tuningOf(model.name) ?? about.tuning,
      }));
    }
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** What a model's file was trained for last, as far as it tells. */
export const tuningOfFile = async (file: string): Promise<Tuning | undefined> =>
  (await describe(file))?.tuning ?? tuningOf(file);

type About = Pick<FoundModel, "quantization" | "fim" | "tuning">;

/** What a file's header says; undefined when it cannot be read, as of half a file, or is not that of a model that writes text. */
async function describe(file: string): Promise<About | undefined> {
  await new Promise(setImmediate); // one header takes milliseconds: others get their turn between them
  try {
    const header = readModel(file);
    const architecture = header.metadata.get("general.architecture");
    if (typeof architecture !== "string" || !writesText(header, architecture)) {
      return undefined;
    }
    return {
      quantization: mostUsedType(header),
      fim: fillsInTheMiddle(header),
      tuning: tuningOf(file, header),
    };
  } catch {
    return undefined;
  }
}

/** The type of most of a file's bytes. */
function mostUsedType({ tensors }: GgufHeader): string | undefined {
  const bytes = new Map<string, number>();
  for (const { type, bytes: own } of tensors) {
    bytes.set(type.name, (bytes.get(type.name) ?? 0) + own);
  }
  return [...bytes].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** Families that complete in the middle but whose files often do not say so. */
const FAMILIES =
  /qwen[\d.]*-?coder|codeqwen|starcoder|deepseek-?coder|codegemma|codestral|granite.*code|seed-?coder|code-?llama|stable-?code|refact|mellum|lacuna/i;

function fillsInTheMiddle({ metadata }: GgufHeader): boolean | undefined {
  if (
    ["fim_mid", "fim_pre", "middle", "prefix"].some((name) => metadata.has(`tokenizer.ggml.${name}_token_id`))
  ) {
    return true;
  }
  const names = ["general.name", "general.basename"].map((key) => metadata.get(key));
  return names.some((name) => typeof name === "string" && FAMILIES.test(name.replaceAll(" ", "-")))
    ? true
    : undefined;
}
