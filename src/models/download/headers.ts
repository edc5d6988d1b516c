import type { IncomingHttpHeaders } from "node:http";

const text = (header: string | string[] | undefined): string | undefined =>
  typeof header === "string" ? header : header?.[0];

/** `bytes 100-199/1000`; with a star for what the server does not tell. */
export function parseContentRange(
  header: string | undefined,
): { readonly start: number | undefined; readonly total: number | undefined } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header ?? "");
  if (match === null) {
    return undefined;
  }
  const number = (word: string | undefined): number | undefined =>
    word === undefined || word === "*" ? undefined : Number(word);
  return { start: number(match[1]), total: number(match[2]) };
}

/** The body's length as promised; unknown for a compressed one. */
export function lengthOf(headers: IncomingHttpHeaders): number | undefined {
  const length = Number(headers["content-length"] ?? NaN);
  return Number.isSafeInteger(length) && headers["content-encoding"] === undefined ? length : undefined;
}

/** The file's size as the hub tells it with its redirection. */
export function sizeOf(headers: IncomingHttpHeaders): number | undefined {
  const length = Number(text(headers["x-linked-size"]) ?? NaN);
  return Number.isSafeInteger(length) && length > 0 ? length : undefined;
}

/** A strong entity tag. */
export function validatorOf(headers: IncomingHttpHeaders): string | undefined {
  return /^"[^"]+"$/.test(headers.etag ?? "") ? headers.etag : undefined;
}

/** Seconds after which a server wants to be asked again, as it says or until the date that it says; undefined: it does not. */
export function retryAfterOf(headers: IncomingHttpHeaders): number | undefined {
  const value = headers["retry-after"] ?? "";
  const seconds = /^\s*\d+\s*$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1_000;
  return seconds > 0 ? Math.ceil(seconds) : undefined;
}

/**
 * The file's SHA-256 where the server tells it: the hub as the tag of what its redirection leads to (`x-linked-etag`), or of what it
 * sends itself; others as `Repr-Digest` or `Digest`. Anybody else's tag of as many digits may be anything.
 */
export function hashOf(headers: IncomingHttpHeaders, isHub: boolean): string | undefined {
  for (const tag of [text(headers["x-linked-etag"]), isHub ? headers.etag : undefined]) {
    const hash = /^"?([0-9a-f]{64})"?$/i.exec(tag ?? "")?.[1];
    if (hash !== undefined) {
      return hash.toLowerCase();
    }
  }
  const digest = text(headers["repr-digest"]) ?? text(headers.digest);
  const base64 = /sha-256=:?([A-Za-z0-9+/]{43}=)/i.exec(digest ?? "")?.[1];
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("hex");
}
