import http from "node:http";
import https from "node:https";
import { connectionProblem, DownloadError } from "./errors";

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
  /** Where the answer came from, after redirections. */
  readonly url: URL;
  /** Headers of the first answer, a redirection or not: the hub tells size and hash there. */
  readonly first: http.IncomingHttpHeaders;
}

export interface HttpOptions {
  /** For each address: undefined for Node's own, which VS Code replaces by one that knows its proxy settings. */
  readonly agent?: (url: URL) => http.Agent | undefined;
  /** Milliseconds without a byte after which a connection counts as lost. */
  readonly stallMs: number;
}

const MAX_REDIRECTIONS = 10;

/** Plain http is for this machine, and for what a known hash protects. */
export const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);

/**
 * Requests over Node's own http and https, with redirections followed. These two modules and not `fetch`, because VS Code lends
 * them its proxy, its certificates and their passwords.
 */
export class Http {
  constructor(private readonly options: HttpOptions) {}

  get stallMs(): number {
    return this.options.stallMs;
  }

  /**
   * GET. The body has to be read or destroyed. Credentials are not passed on to another origin.
   *
   * @param allowHttp whether an address without encryption may be followed although it is not this machine's
   */
  async get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    allowHttp = false,
  ): Promise<Answer> {
    let current = url;
    let sent: Readonly<Record<string, string>> = headers;
    let first: http.IncomingHttpHeaders | undefined;
    for (let hop = 0; hop <= MAX_REDIRECTIONS; hop++) {
      if (current.protocol !== "https:" && current.protocol !== "http:") {
        throw new DownloadError("address", `${current.href} is neither http nor https.`);
      }
      if (current.protocol === "http:" && !allowHttp && !isLoopback(current)) {
        const message = `${current.href} is not encrypted, and anybody on the way could change the model. Use https, or give its hash with #sha256=….`;
        throw new DownloadError("insecure", message);
      }
      const body = await this.request(current, sent, signal);
      const status = body.statusCode ?? 0;
      first ??= body.headers;
      const { location } = body.headers;
      if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
        return { status, headers: body.headers, body, url: current, first };
      }
      body.destroy();
      const next = parseLocation(location, current);
      if (next.origin !== current.origin) {
        sent = Object.fromEntries(Object.entries(sent).filter(([name]) => name !== "authorization"));
      }
      current = next;
    }
    throw new DownloadError("redirects", `${url.href} leads from one address to the next without end.`);
  }

  /** GET of a JSON document of at most 16 MiB; its status, and undefined when it is not JSON. */
  async json(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ readonly answer: Answer; readonly value: unknown }> {
    const answer = await this.get(url, { accept: "application/json", ...headers }, signal);
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > 16 << 20) {
          throw new DownloadError("server", `${url.host} sends a list without end.`);
        }
        chunks.push(chunk);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw connectionProblem(error, url.host);
    }
    try {
      return { answer, value: JSON.parse(Buffer.concat(chunks).toString("utf8")) };
    } catch {
      return { answer, value: undefined };
    }
  }

  private request(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const agent = this.options.agent?.(url);
      const options = {
        headers: { "user-agent": "lacuna", "accept-encoding": "identity", ...headers },
        signal,
        ...(agent === undefined ? {} : { agent }),
      };
      const request = (url.protocol === "https:" ? https : http).get(url, options, resolve);
      request.setTimeout(this.options.stallMs, () =>
        request.destroy(
          Object.assign(new Error(`silent for ${this.options.stallMs / 1000} s`), { code: "" }),
        ),
      );
      request.on("error", (error) =>
        reject(signal.aborted ? (signal.reason as Error) : connectionProblem(error, url.host)),
      );
    });
  }
}

function parseLocation(location: string, from: URL): URL {
  try {
    return new URL(location, from);
  } catch {
    throw new DownloadError("redirects", `${from.host} leads to ${location}, which is no address.`);
  }
}
