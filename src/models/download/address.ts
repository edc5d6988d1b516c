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
  const hub = /^hf:(?:\/\/)?(.+)$/i.exec(trimmed);
  if (hub !== null) {
    return parseHub(trimmed, hub[1]!);
  }
  if (!/^https?:\/\//i.test(trimmed)) {
    throw bad(text, "it begins neither with hf: nor with https://");
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
      revision: decodeURIComponent(page[2]!),
      what: { file: checkedPath(text, page[3]!.split("/").map(decodeURIComponent).join("/")) },
    };
  }
  const sha256 = /(?:^#|&)sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1]?.toLowerCase();
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
  const last = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  let decoded = last;
  try {
    decoded = decodeURIComponent(last);
  } catch {
    // as it stands
  }
  return /\.gguf$/i.test(decoded) ? decoded : undefined;
}

/** The name that a server proposes, as in `attachment; filename="model.gguf"`. */
export function proposedName(disposition: string | undefined): string | undefined {
  const encoded = /filename\*=(?:UTF-8'')?([^;]+)/i.exec(disposition ?? "")?.[1];
  const plain = /filename="?([^";]+)"?/i.exec(disposition ?? "")?.[1];
  try {
    return encoded === undefined ? plain : decodeURIComponent(encoded.trim());
  } catch {
    return plain;
  }
}

/** All parts of a split model, `…-00001-of-00003.gguf`; the name itself when it is whole. */
export function partNames(name: string): string[] {
  const match = /^(.*)-\d{5}-of-(\d{5})(\.gguf)$/i.exec(name);
  if (match === null) {
    return [name];
  }
  const [, stem, count, end] = match;
  return Array.from(
    { length: Number(count) },
    (_, index) => `${stem}-${String(index + 1).padStart(5, "0")}-of-${count}${end}`,
  );
}
