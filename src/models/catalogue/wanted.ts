import type { Wanted } from "../download/downloader";
import { fileSize, type Choice } from "./catalogue";

/** What the downloader has to be told of a file of the catalogue: a rounded size is no promise. */
export function wantedOf({ entry, file }: Choice): Wanted {
  const { bytes, known } = fileSize(entry, file);
  return { address: file.address, bytes: known === "exact" ? bytes : undefined, sha256: file.sha256 };
}
