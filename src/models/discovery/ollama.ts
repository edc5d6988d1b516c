import { readdir, readFile, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

export interface OllamaModel {
  /** As its own commands call it: `qwen2.5-coder:1.5b`. */
  readonly name: string;
  /** The blob, a GGUF file without that ending. */
  readonly path: string;
  readonly bytes: number;
  /** Its template shows the text after the cursor. */
  readonly fim: boolean;
}

/** Where Ollama keeps models: its own, and those of its service on Linux. */
export function ollamaFolders(env: NodeJS.ProcessEnv = process.env, home = os.homedir()): string[] {
  const given = env.OLLAMA_MODELS;
  return given !== undefined && given !== ""
    ? [given]
    : [path.join(home, ".ollama", "models"), "/usr/share/ollama/.ollama/models"];
}

interface Layer {
  readonly mediaType?: unknown;
  readonly digest?: unknown;
}

const DEPTH = 4; // registry / namespace / model / tag

/** Models of one of Ollama's stores, which it lists in manifests and keeps as blobs named by their hashes. */
export async function ollamaModels(folder: string): Promise<OllamaModel[]> {
  const found: OllamaModel[] = [];
  const walk = async (place: string, parts: readonly string[]): Promise<void> => {
    for (const child of await readdir(place, { withFileTypes: true }).catch(() => [])) {
      const below = [...parts, child.name];
      if (child.isDirectory() && below.length < DEPTH) {
        await walk(path.join(place, child.name), below);
      } else if (child.isFile() && below.length === DEPTH) {
        const model = await readManifest(folder, path.join(place, child.name), below);
        if (model !== undefined) {
          found.push(model);
        }
      }
    }
  };
  await walk(path.join(folder, "manifests"), []);
  return found;
}

async function readManifest(
  folder: string,
  file: string,
  [registry, namespace, model, tag]: readonly string[],
): Promise<OllamaModel | undefined> {
  try {
    const manifest = JSON.parse(await readFile(file, "utf8")) as { readonly layers?: readonly Layer[] };
    const blob = (kind: string): string | undefined => {
      const digest = manifest.layers?.find(
        ({ mediaType }) => mediaType === `application/vnd.ollama.image.${kind}`,
      )?.digest;
      const hash = typeof digest === "string" ? /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1] : undefined;
      return hash === undefined ? undefined : path.join(folder, "blobs", `sha256-${hash}`);
    };
    const weights = blob("model");
    if (weights === undefined) {
      return undefined; // one that another server runs
    }
    const info = await stat(weights);
    const template = blob("template");
    const text = template === undefined ? "" : await readFile(template, "utf8").catch(() => "");
    const own = registry === "registry.ollama.ai";
    const place = [own ? undefined : registry, own && namespace === "library" ? undefined : namespace, model];
    return {
      name: `${place.filter((part) => part !== undefined).join("/")}:${tag}`,
      path: weights,
      bytes: info.size,
      fim: text.includes(".Suffix"),
    };
  } catch {
    return undefined; // not a manifest, or its blob is gone
  }
}
