import { DownloadError } from "./errors";

/** The hub that `hf:` means, unless there is a mirror. */
export const HUB = "https://huggingface.co";

/** Something that can be downloaded, as a person names it. */
export type Address =
  | { readonly kind: "url"; readonly url: URL; readonly sha256: string | undefined }
  | {
      readonly kind: "hub";
      /** `user/model` */
      readonly repository: string;
      readonly revision: string;
      /** Path of a file in the repository, or what its name is known by, such as `Q4_K_M`. */
      readonly what: { readonly file: string } | { readonly quantization: string | undefined };
    };

const bad = (text: string, why: string): DownloadError =>
  new DownloadError(
    "address",
    `"${text}" is no address of a model: ${why}. Give a name of \`lacuna models list\`, hf:user/model:Q4_K_M, hf:user/model/file.gguf or an https address.`,
  );

/**
 * Understands `hf:user/model[:quantisation]`, `hf:user/model/file.gguf[#revision]`, addresses of the hub's pages and files, and
 * any other http or https address; `#sha256=…` after one gives the hash.
 */
export function parseAddress(text: string): Address {
  const trimmed = text.trim();
  const hub = /^hf:(?:\/\/)?(.*)$/i.exec(trimmed);
  if (hub !== null) {
    return parseHub(trimmed, hub[1]!);
  }
  if (!/^https?:\/\//i.test(trimmed)) {
    throw bad(text, "it begins neither with hf: nor with https://");
  }
  if (/^https?:\/\/\//i.test(trimmed)) {
    throw bad(text, "it names no host"); // URL would take the next part for one
  }
  let url: URL;
  try {
    url = new URL(trimmed);
  } catch {
    throw bad(text, "it cannot be read");
  }
  const page = /^\/([^/]+\/[^/]+)\/(?:blob|resolve)\/([^/]+)\/(.+)$/.exec(url.pathname);
  if (url.origin === HUB && page !== null) {
    return {
      kind: "hub",
      repository: page[1]!,
      revision: decoded(page[2]!),
      what: { file: checkedPath(text, page[3]!.split("/").map(decoded).join("/")) },
    };
  }
  const hash = /(?:^#|&)sha256=([^&]*)/i.exec(url.hash)?.[1];
  if (hash !== undefined && !/^[0-9a-f]{64}$/i.test(hash)) {
    throw bad(text, "after #sha256= come 64 hexadecimal digits");
  }
  const sha256 = hash?.toLowerCase();
  url.hash = "";
  return { kind: "url", url, sha256 };
}

function parseHub(text: string, rest: string): Address {
  const [place = "", revision = "main"] = rest.split("#", 2);
  const match = /^([\w.-]+\/[\w.-]+)(?::([\w.-]+)|\/(.+))?$/.exec(place);
  if (match === null || match[1]!.split("/").some((part) => /^\.+$/.test(part))) {
    throw bad(text, "after hf: comes user/model");
  }
  const [, repository, quantization, file] = match;
  return {
    kind: "hub",
    repository: repository!,
    revision,
    what: file === undefined ? { quantization } : { file: checkedPath(text, file) },
  };
}

function checkedPath(text: string, file: string): string {
  if (file.split(/[\\/]/).some((part) => part === "" || part === "." || part === "..")) {
    throw new DownloadError("name", `"${text}" leads out of its folder, and is not followed.`);
  }
  return file;
}

/** Names that Windows keeps for devices. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * The name under which a file is kept; throws a {@link DownloadError} for one that would leave the folder, hide, or be no model's.
 *
 * @param name as an address or a server gives it, already decoded
 */
export function fileName(name: string): string {
  const refuse = (why: string): DownloadError =>
    new DownloadError("name", `The name ${JSON.stringify(name)} ${why}, and is not used.`);
  if (/[\\/]/.test(name) || name === "." || name === "..") {
    throw refuse("would leave the folder of models");
  }
  if (/[\p{Cc}<>:"|?*]/u.test(name) || name.startsWith(".") || DEVICES.test(name) || name.length > 200) {
    throw refuse("cannot be a file's on every system");
  }
  if (!/\.gguf$/i.test(name)) {
    throw refuse("does not end in .gguf");
  }
  return name;
}

/** The last part of an address, decoded; undefined when it names no GGUF file. */
export function nameOf(url: URL): string | undefined {
  const last = decoded(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
  return /\.gguf$/i.test(last) ? last : undefined;
}

/** Part of an address; as it stands where it was not encoded. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The name that a server proposes, as in `attachment; filename="model.gguf"`. */
export function proposedName(disposition: string | undefined): string | undefined {
  const encoded = /filename\*=(?:UTF-8'')?([^;]+)/i.exec(disposition ?? "")?.[1];
  const match = /filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition ?? "");
  const plain = match?.[1]?.replace(/\\(.)/g, "$1") ?? match?.[2];
  try {
    return encoded === undefined ? plain : decodeURIComponent(encoded.trim());
  } catch {
    return plain;
  }
}
