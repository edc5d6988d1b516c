import { EngineFailure } from "../engine/errors";

/** Where a server is. */
export interface ServerAddress {
  /** Ends with a slash; what a server offers is below it. */
  readonly base: URL;
  /** As it is shown: without the slash. */
  readonly shown: string;
  /** It is this machine: nothing leaves it. */
  readonly isLocal: boolean;
}

/**
 * Understands `http://host:port`, with or without the path of OpenAI's interface, and `host:port`.
 * @throws {@link EngineFailure} with a sentence for the user
 */
export function parseServerAddress(text: string): ServerAddress {
  const trimmed = text.trim();
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  const refuse = (why: string): never => {
    throw new EngineFailure(
      "bad-request",
      `${JSON.stringify(trimmed.replace(/\/\/[^/@]*@/, "//…@"))} is no address of a server: ${why}. Give one such as http://127.0.0.1:8080.`,
    );
  };
  let url: URL;
  try {
    url = new URL(full);
  } catch {
    return refuse("it cannot be read");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    refuse("it is neither http nor https");
  }
  if (url.username !== "" || url.password !== "") {
    refuse("a name or password in it would end up in logs; set the server's key instead");
  }
  url.search = "";
  url.hash = "";
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/v1(?:\/completions)?$|\/(?:infill|completion|api\/generate)$/, "")}/`;
  return { base: url, shown: url.href.replace(/\/$/, ""), isLocal: isThisMachine(url) };
}

const isThisMachine = ({ hostname }: URL): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  ["[::1]", "0.0.0.0"].includes(hostname) ||
  /^127(\.\d+){3}$/.test(hostname);
