import { DownloadError, type DownloadProblem } from "../../models/download/errors";

/** What a user may do about a download that has failed, as a button says it. */
export type Remedy =
  "Try Again" | "Give a Token" | "Open the Terms" | "Choose Another" | "Select Model" | "Open Settings";

/** An address of which nothing comes, whenever it is tried. */
const ANOTHER: ReadonlySet<DownloadProblem> = new Set([
  ...(["address", "name", "insecure", "not-found", "redirects", "no-model"] as const),
]);
/** Another folder may help. */
const FOLDER: ReadonlySet<DownloadProblem> = new Set(["disk-full", "folder", "exists"]);

/** The most helpful one first; none where one has to wait. Trying again goes on from what is there. */
export function remediesFor(error: unknown): readonly Remedy[] {
  if (!(error instanceof DownloadError)) {
    return ["Try Again"];
  }
  const { kind, terms } = error;
  if (kind === "gated") {
    // A token is for the hub alone.
    return terms === undefined ? ["Select Model"] : ["Give a Token", "Open the Terms"];
  }
  if (kind === "token") {
    return ["Give a Token"];
  }
  if (kind === "in-progress") {
    return [];
  }
  if (ANOTHER.has(kind)) {
    return ["Choose Another"];
  }
  return FOLDER.has(kind) ? ["Try Again", "Open Settings"] : ["Try Again"];
}
