import path from "node:path/posix";
import { HUB, fileName, nameOf, type Address } from "./address";
import { filesOf } from "../parts";
import { DownloadError, statusProblem } from "./errors";
import type { Http } from "./http";

/** One file to fetch. */
export interface Source {
  readonly url: URL;
  /** Undefined: the server proposes it. */
  readonly name: string | undefined;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  /** Page on which a gated model's terms are accepted. */
  readonly terms: string | undefined;
  /** For messages and the record of what was downloaded. */
  readonly address: string;
}

/** A file of a repository, as the hub's API lists it. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string | undefined;
}

export interface HubOptions {
  readonly http: Http;
  /** Base address instead of the hub's own, as `HF_ENDPOINT` is for its tools. */
  readonly mirror?: string | undefined;
  readonly token?: string | undefined;
}

/** Reads the hub: which files a repository has, how large they are, and their hashes. */
export class Hub {
  private readonly base: URL;
  private readonly token: string | undefined;

  constructor(private readonly options: HubOptions) {
    try {
      const mirror = options.mirror?.trim();
      this.base = new URL(mirror === undefined || mirror === "" ? HUB : mirror);
    } catch {
      throw new DownloadError(
        "address",
        `The mirror "${options.mirror}" is no address. Give one such as ${HUB}.`,
      );
    }
    this.token = options.token?.trim();
    if (!/^[!-~]*$/.test(this.token ?? "")) {
      throw new DownloadError(
        "token",
        "The token for the hub has blanks or letters that none has. Copy it again from the hub's settings.",
      );
    }
  }

  /** Sent to the hub alone. */
  headers(url: URL): Record<string, string> {
    const { token } = this;
    return token !== undefined && token !== "" && url.origin === this.base.origin
      ? { authorization: `Bearer ${token}` }
      : {};
  }

  /** Files of a repository: `GET /api/models/REPOSITORY/tree/REVISION?recursive=true`. */
  async files(repository: string, revision: string, signal: AbortSignal): Promise<HubFile[]> {
    const url = this.at(`/api/models/${repository}/tree/${encodeURIComponent(revision)}?recursive=true`);
    const { answer, value } = await this.options.http.json(url, this.headers(url), signal);
    if (answer.status === 404) {
      throw new DownloadError(
        "not-found",
        `${url.host} has no repository ${repository} with a revision ${revision} (404). Check the name.`,
      );
    }
    if (answer.status !== 200) {
      throw statusProblem(answer.status, url, `${HUB}/${repository}`, answer.headers);
    }
    const files = parseTree(value);
    if (files === undefined) {
      throw new DownloadError("server", `${url.host} does not list files as the hub does. Check the mirror.`);
    }
    return files;
  }

  /** What an address means: one file, or all parts of a split one, the first first. */
  async resolve(address: Address, signal: AbortSignal): Promise<Source[]> {
    if (address.kind === "url") {
      const { url, sha256 } = address;
      const name = nameOf(url);
      const names = name === undefined ? [undefined] : filesOf(name);
      requireOne(names, sha256);
      return names.map((part) => ({
        url: names.length === 1 || part === undefined ? url : new URL(encodeURIComponent(part), url),
        name: part === undefined ? undefined : fileName(part),
        bytes: undefined,
        sha256,
        terms: undefined,
        address: url.href,
      }));
    }
    const { repository, revision, what } = address;
    const wanted =
      "file" in what
        ? filesOf(what.file).map((file) => ({ path: file, bytes: undefined, sha256: undefined }))
        : choose(await this.files(repository, revision, signal), repository, what.quantization);
    return wanted.map((file) => ({
      url: this.at(
        `/${repository}/resolve/${encodeURIComponent(revision)}/${file.path.split("/").map(encodeURIComponent).join("/")}`,
      ),
      name: fileName(path.basename(file.path)),
      bytes: file.bytes,
      sha256: file.sha256,
      terms: `${HUB}/${repository}`,
      address: `hf:${repository}/${file.path}${revision === "main" ? "" : `#${revision}`}`,
    }));
  }

  private at(place: string): URL {
    return new URL(this.base.pathname.replace(/\/$/, "") + place, this.base);
  }
}

function parseTree(value: unknown): HubFile[] | undefined {
  if (!Array.isArray(value)) {
    return undefined;
  }
  const files: HubFile[] = [];
  for (const item of value as (Readonly<Record<string, unknown>> | null)[]) {
    if (typeof item?.path !== "string" || typeof item.type !== "string") {
      return undefined;
    }
    if (item.type === "file") {
      const lfs = item.lfs as { readonly oid?: unknown; readonly size?: unknown } | undefined;
      const bytes = lfs?.size ?? item.size;
      const oid = typeof lfs?.oid === "string" ? lfs.oid.replace(/^sha256:/, "") : "";
      files.push({
        path: item.path,
        bytes: typeof bytes === "number" ? bytes : 0,
        sha256: /^[0-9a-f]{64}$/.test(oid) ? oid : undefined,
      });
    }
  }
  return files;
}

/** Preferred when none is asked for, best first. */
const USUAL = ["Q4_K_M", "Q4_K_S", "Q5_K_M", "Q4_0", "Q6_K", "Q8_0"];

function choose(files: readonly HubFile[], repository: string, quantization: string | undefined): HubFile[] {
  const models = files.filter(({ path: file }) => /\.gguf$/i.test(file) && !/(^|\/)mmproj/i.test(file));
  if (models.length === 0) {
    throw new DownloadError(
      "not-found",
      `hf:${repository} holds no GGUF file. Look for one with "GGUF" in its name.`,
    );
  }
  const has = (file: HubFile, kind: string): boolean =>
    new RegExp(`(^|[^a-z0-9])${kind.replaceAll(".", "\\.")}([^a-z0-9_]|$)`, "i").test(
      path.basename(file.path),
    );
  const kinds = quantization === undefined ? USUAL : [quantization];
  const kind = kinds.find((candidate) => models.some((file) => has(file, candidate)));
  const first =
    kind === undefined
      ? quantization === undefined
        ? models[0]
        : undefined
      : models.find((file) => has(file, kind));
  if (first === undefined) {
    const there = [
      ...new Set(models.map(({ path: file }) => quantizationOf(file)).filter((name) => name !== undefined)),
    ];
    throw new DownloadError(
      "not-found",
      `hf:${repository} has no ${quantization}. It has ${there.join(", ") || "others"}.`,
    );
  }
  return filesOf(first.path).map((part) => {
    const listed = files.find((file) => file.path === part);
    if (listed === undefined) {
      throw new DownloadError("not-found", `hf:${repository} lacks ${part}, a part of the model.`);
    }
    return listed;
  });
}

/** A hash that was given is one file's. */
export function requireOne(parts: readonly unknown[], sha256: string | undefined): void {
  if (parts.length > 1 && sha256 !== undefined) {
    throw new DownloadError(
      "address",
      `The model is in ${parts.length} files, and one hash cannot be that of all. Fetch it without, and compare them yourself.`,
    );
  }
}

/** `Q4_K_M` and the like, from a file's name. */
export function quantizationOf(file: string): string | undefined {
  const name = /(?:^|[^a-z0-9])((?:I?Q\d(?:_[A-Z0-9]+)*)|BF16|F16|F32|MXFP4)(?=[^a-z0-9]|$)/i.exec(
    path.basename(file, ".gguf"),
  );
  return name?.[1]?.toUpperCase();
}
