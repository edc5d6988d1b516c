import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { partName } from "../parts";

export interface GgufFile {
  /** Of the first part where a model is in several. */
  readonly path: string;
  /** Of all parts. */
  readonly bytes: number;
}

const MAX_DEPTH = 6;
const MAX_ENTRIES = 5_000;

/** GGUF files below `folders`, by name. Folders that are missing or may not be read are passed over. */
export async function findGgufFiles(folders: readonly string[], signal?: AbortSignal): Promise<GgufFile[]> {
  const found = new Map<string, GgufFile>();
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
        const sizes = await Promise.all((partName(file)?.files ?? [file]).map(sizeOf));
        // One that lacks parts cannot be loaded: they may be on their way.
        if (sizes.every((size) => size !== undefined)) {
          found.set(file, { path: file, bytes: sizes.reduce((sum, size) => sum + size, 0) });
        }
      }
    }
  };
  for (const folder of folders) {
    await walk(folder, 0);
  }
  return [...found.values()].sort((a, b) => path.basename(a.path).localeCompare(path.basename(b.path)));
}

/** A whole model: not a projector of images, not a later part of a split file, not a file that a download hides. */
const isModel = (name: string): boolean =>
  /\.gguf$/i.test(name) &&
  !name.startsWith(".") &&
  !/(^|[^a-z])mmproj/i.test(name) &&
  (partName(name)?.part ?? 1) === 1;

/** Of a file, also behind a link, as in the Hugging Face cache; undefined when there is none. */
async function sizeOf(file: string): Promise<number | undefined> {
  const info = await stat(file).catch(() => undefined);
  return info?.isFile() === true ? info.size : undefined;
}
