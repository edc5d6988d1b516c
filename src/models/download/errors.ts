import type { IncomingHttpHeaders } from "node:http";
import { retryAfterOf } from "./headers";

/** Why a model could not be had; each has a message of its own. */
export type DownloadProblem =
  | "address"
  | "name"
  | "insecure"
  | "offline"
  | "gated"
  | "token"
  | "not-found"
  | "busy-server"
  | "server"
  | "redirects"
  | "interrupted"
  | "changed"
  | "wrong-size"
  | "wrong-hash"
  | "no-model"
  | "disk-full"
  | "folder"
  | "in-progress"
  | "in-use"
  | "exists";

/** A download that ended, as one sentence or two that say what to do. */
export class DownloadError extends Error {
  constructor(
    readonly kind: DownloadProblem,
    message: string,
    /** Seconds after which the server wants to be asked again. */
    readonly retryAfter?: number,
    /** Page on which a gated model's terms are accepted: a token of the user's may help. */
    readonly terms?: string,
  ) {
    super(message);
  }
}

/** Decimal units, as shops and hubs count: `1.12 GB`. */
export function size(bytes: number): string {
  for (const [unit, name] of [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ] as const) {
    if (bytes >= unit) {
      return `${Number((bytes / unit).toPrecision(3))} ${name}`;
    }
  }
  return `${bytes} bytes`;
}

/** In the largest unit that is not too coarse: `90 s`, `12 min`, `3 h`. */
export function duration(seconds: number): string {
  const rounded = Math.ceil(seconds);
  return rounded < 100
    ? `${rounded} s`
    : rounded < 5_400
      ? `${Math.ceil(rounded / 60)} min`
      : `${Math.round(rounded / 3_600)} h`;
}

/** A failed system call on the way to or in the folder of models. */
export function fileProblem(error: unknown, folder: string): DownloadError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new DownloadError(
      "disk-full",
      `There is no space left in ${folder}. Free some and try again: what is there already is kept.`,
    );
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new DownloadError("folder", `${folder} may not be written. Choose another folder.`);
  }
  if (code === "ENOTDIR" || code === "EEXIST") {
    return new DownloadError("folder", `${folder} is not a folder. Choose another one.`);
  }
  return new DownloadError("folder", `${folder} cannot be written (${code ?? message}).`);
}

/** Windows neither replaces nor removes a file that a program reads; elsewhere this does not happen to a file. */
export function inUse(error: unknown, name: string, platform = process.platform): DownloadError | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return platform === "win32" && (code === "EBUSY" || code === "EPERM" || code === "EACCES")
    ? new DownloadError(
        "in-use",
        `${name} is in use. Select another model in every window of VS Code, or close them, and try again.`,
      )
    : undefined;
}

const OFFLINE = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
]);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/;

/** A connection that failed, before or while something came. */
export function connectionProblem(error: unknown, host: string): DownloadError {
  if (error instanceof DownloadError) {
    return error;
  }
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (OFFLINE.has(code)) {
    const message_ = `${host} cannot be reached (${code}). Check the connection and the proxy, and try again.`;
    return new DownloadError("offline", message_);
  }
  if (code.startsWith("HPE_")) {
    return new DownloadError(
      "address",
      `${host} does not speak HTTP as it should (${code}). Check the address.`,
    );
  }
  if (CERTIFICATE.test(code)) {
    return new DownloadError("insecure", `The certificate of ${host} is not trusted (${code}).`);
  }
  return new DownloadError("interrupted", `The connection to ${host} was lost (${code || message}).`);
}

/** An answer that is no file. */
export function statusProblem(
  status: number,
  url: URL,
  terms: string | undefined,
  headers: IncomingHttpHeaders,
): DownloadError {
  const after = retryAfterOf(headers);
  const when = after === undefined ? "later" : `in ${duration(after)}`;
  if (status === 401 || status === 403) {
    const where =
      terms === undefined
        ? " Fetch it with a program that is logged in there, and select the file."
        : ` If it is gated, accept its terms at ${terms}, then give a token of yours.`;
    const what = status === 401 ? "wants to know who asks" : "does not allow this";
    return new DownloadError("gated", `${url.host} ${what} (${status}).${where}`, undefined, terms);
  }
  if (status === 404 || status === 410) {
    return new DownloadError("not-found", `There is no ${url.href} (${status}). Check the address.`);
  }
  if (status === 429) {
    return new DownloadError(
      "busy-server",
      `${url.host} gets too many requests (429). Try again ${when}.`,
      after,
    );
  }
  if (status >= 500) {
    return new DownloadError(
      "server",
      `${url.host} has a problem of its own (${status}). Try again ${when}.`,
      after,
    );
  }
  return new DownloadError("address", `${url.href} gives no file (status ${status}). Check the address.`);
}
