import { readdir, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

export interface FoundModel {
  readonly path: string;
  readonly bytes: number;
}

/** Where other programs keep GGUF models. */
export const modelFolders = (home = os.homedir()): readonly string[] => [
  path.join(home, "models"),
  path.join(home, ".cache", "llama.cpp"),
  path.join(home, "Library", "Caches", "llama.cpp"),
  path.join(home, ".cache", "huggingface", "hub"),
  path.join(home, ".lmstudio", "models"),
  path.join(home, ".cache", "lm-studio", "models"),
  path.join(home, ".node-llama-cpp", "models"),
];

const MAX_DEPTH = 6;
const MAX_ENTRIES = 5_000;

/** GGUF files below `folders`, by name. Folders that are missing or may not be read are passed over. */
export async function findModels(folders: readonly string[], signal?: AbortSignal): Promise<FoundModel[]> {
  const found = new Map<string, FoundModel>();
  let entries = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    const children = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const child of children) {
      if (signal?.aborted === true || ++entries > MAX_ENTRIES) {
        return;
      }
      const file = path.join(folder, child.name);
      if (child.isDirectory()) {
        if (depth < MAX_DEPTH) {
          await walk(file, depth + 1);
        }
      } else if (isModel(child.name)) {
        const info = await stat(file).catch(() => undefined); // follows links, as in the Hugging Face cache
        if (info?.isFile() === true) {
          found.set(file, { path: file, bytes: info.size });
        }
      }
    }
  };
  for (const folder of folders) {
    await walk(folder, 0);
  }
  return [...found.values()].sort((a, b) => path.basename(a.path).localeCompare(path.basename(b.path)));
}

/** A whole model: not a projector of images, not a later part of a split file. */
const isModel = (name: string): boolean =>
  /\.gguf$/i.test(name) && !/^mmproj/i.test(name) && !/-0000[2-9]-of-\d+\.gguf$/i.test(name);
