import { parseAddress } from "../download/address";
import { DownloadError } from "../download/errors";
import { quantizationOf, type Hub, type HubFile } from "../download/hub";
import type { CatalogueEntry, CatalogueFile } from "./catalogue";

export interface Refreshed {
  readonly models: readonly CatalogueEntry[];
  /** One line for each file that changed or could not be asked for. */
  readonly notes: readonly string[];
}

/**
 * The catalogue with sizes and hashes as the hub's API lists them now. A file that the hub does not tell of stays as it is; so does
 * the hash of one whose address names a revision, unless the hub contradicts itself.
 */
export async function refresh(
  entries: readonly CatalogueEntry[],
  hub: Hub,
  signal: AbortSignal,
): Promise<Refreshed> {
  const notes: string[] = [];
  const lists = new Map<string, Promise<HubFile[]>>();
  const models: CatalogueEntry[] = [];
  for (const entry of entries) {
    const files: CatalogueFile[] = [];
    for (const file of entry.files) {
      const address = parseAddress(file.address);
      if (address.kind !== "hub") {
        files.push(file);
        continue;
      }
      const { repository, revision, what } = address;
      try {
        const key = `${repository}#${revision}`;
        const list = lists.get(key) ?? hub.files(repository, revision, signal);
        lists.set(key, list);
        const listed = (await list).find(({ path }) =>
          "file" in what
            ? path === what.file
            : /\.gguf$/i.test(path) && quantizationOf(path) === what.quantization?.toUpperCase(),
        );
        if (listed === undefined) {
          notes.push(`${file.address}: the hub does not list it`);
          files.push(file);
          continue;
        }
        const now = {
          ...file,
          size: listed.bytes,
          ...(listed.sha256 === undefined ? {} : { sha256: listed.sha256 }),
        };
        if (now.sha256 !== file.sha256 || now.size !== file.size) {
          notes.push(`${file.address}: ${listed.bytes} bytes, ${listed.sha256 ?? "no hash"}`);
        }
        files.push(now);
      } catch (error) {
        signal.throwIfAborted();
        notes.push(`${file.address}: ${error instanceof DownloadError ? error.message : String(error)}`);
        files.push(file);
      }
    }
    models.push({ ...entry, files });
  }
  return { models, notes };
}
