import http from "node:http";
import https from "node:https";
import tls from "node:tls";
import { EngineFailure } from "../engine/errors";
import type { ServerAddress } from "./address";

export interface ConnectionOptions {
  readonly address: ServerAddress;
  /** Sent as a bearer token, and never shown; absent: none. */
  readonly key?: string | undefined;
  /** Certificates in PEM that are trusted besides the usual ones. */
  readonly certificates?: readonly string[];
  /** Instead of the connection's own, which keeps connections: for proxies. VS Code puts its own before either. */
  readonly agent?: (url: URL) => http.Agent | undefined;
  /** Milliseconds until there has to be a connection (default 1000). */
  readonly connectMs?: number;
  /** Milliseconds without a byte after which an answer counts as lost (default 60 000). */
  readonly stallMs?: number;
  /** Milliseconds until a JSON document has to be there (default 10 000). */
  readonly documentMs?: number;
}

/** An answer that is not read yet. */
export interface Answer {
  readonly status: number;
  /** Milliseconds after which the server wants to be asked again, where it tells. */
  readonly afterMs?: number;
  readonly body: http.IncomingMessage;
}

/** A JSON document; undefined when the answer is none. */
export interface JsonAnswer extends Pick<Answer, "status" | "afterMs"> {
  readonly value: unknown;
}

const CONNECT_MS = 1_000;
const STALL_MS = 60_000;
const DOCUMENT_MS = 10_000;
/** Nobody waits longer for a server because it asks for it. */
const MAX_AFTER_MS = 300_000;
const MAX_REDIRECTS = 3;
/** An answer that is not streamed may have so many bytes. */
const MAX_JSON_BYTES = 32 << 20;

/**
 * HTTP with one server: keeps connections, trusts what the system trusts, follows no redirect to another host. Over Node's own http and https
 * and not `fetch`, because VS Code lends these two its proxy and the system's certificates.
 */
export class Connection {
  private readonly agent: http.Agent;

  constructor(private readonly options: ConnectionOptions) {
    const keep = { keepAlive: true, keepAliveMsecs: 10_000, maxFreeSockets: 2 };
    this.agent =
      options.address.base.protocol === "https:"
        ? new https.Agent({ ...keep, ...trusted(options.certificates ?? []) })
        : new http.Agent(keep);
  }

  get shown(): string {
    return this.options.address.shown;
  }

  /** Closes what is open; requests under way fail. */
  dispose(): void {
    this.agent.destroy();
  }

  /**
   * For what a server has ready: it has {@link ConnectionOptions.documentMs} for all of it.
   * @throws {@link EngineFailure} when nobody answers, or the signal's reason
   */
  async json(path: string, body: object | undefined, signal: AbortSignal): Promise<JsonAnswer> {
    const { documentMs = DOCUMENT_MS } = this.options;
    const late = new AbortController();
    const timer = setTimeout(
      () =>
        late.abort(new EngineFailure("server-away", `${this.shown} is silent for ${documentMs / 1000} s.`)),
      documentMs,
    );
    const inTime = AbortSignal.any([signal, late.signal]);
    try {
      const { body: answered, ...answer } = await this.request(path, body, inTime);
      return { ...answer, value: parsed(await this.text({ ...answer, body: answered }, inTime)) };
    } finally {
      clearTimeout(timer);
    }
  }

  /** All of an answer. */
  async text({ body }: Answer, signal: AbortSignal): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > MAX_JSON_BYTES) {
          throw new Error("an answer without end");
        }
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.lost(error, signal);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  /** @param body undefined: GET; else POST of it as JSON. The answer's body has to be read or destroyed. */
  async request(path: string, body: object | undefined, signal: AbortSignal): Promise<Answer> {
    let url = new URL(path, this.options.address.base);
    for (let hop = 0; ; hop++) {
      const answer = await this.once(url, body, signal, true);
      const { location } = answer.headers;
      const status = answer.statusCode ?? 0;
      if (status < 300 || status > 399 || location === undefined) {
        const afterMs = retryAfter(answer.headers["retry-after"]);
        return { status, body: answer, ...(afterMs === undefined ? {} : { afterMs }) };
      }
      answer.destroy();
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      if (next === undefined || !isSameServer(url, next)) {
        const where = next === undefined || next.origin === "null" ? location.slice(0, 60) : next.origin;
        throw new EngineFailure(
          "server-refused",
          `${this.shown} redirects to ${where}, where nothing is sent. If that is your server, set its address instead.`,
        );
      }
      if (hop === MAX_REDIRECTS) {
        throw new EngineFailure(
          "server-refused",
          `${this.shown} redirects again and again, at last to ${next.pathname}.`,
        );
      }
      url = next;
    }
  }

  /** What went wrong with an answer that had begun. */
  lost(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) {
      return signal.reason;
    }
    return error instanceof EngineFailure
      ? error
      : new EngineFailure("server-away", `The answer of ${this.shown} broke off (${why(error)}).`);
  }

  /** @param again whether a connection that was kept and turns out to be closed is replaced by a new one */
  private async once(
    url: URL,
    body: object | undefined,
    signal: AbortSignal,
    again: boolean,
  ): Promise<http.IncomingMessage> {
    const { stallMs = STALL_MS, connectMs = CONNECT_MS } = this.options;
    const key = this.options.key?.trim() ?? "";
    if (!SENDABLE.test(key)) {
      throw new EngineFailure(
        "server-refused",
        `The key of ${this.shown} has characters that cannot be sent. Set it again with “Lacuna: Set Server Key”, or in $LACUNA_SERVER_KEY.`,
      );
    }
    const sent = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      "user-agent": "lacuna",
      accept: "application/json, text/event-stream, application/x-ndjson",
      "accept-encoding": "identity",
      ...(sent === undefined ? {} : { "content-type": "application/json", "content-length": sent.length }),
      ...(key === "" ? {} : { authorization: `Bearer ${key}` }),
    };
    return new Promise((resolve, reject) => {
      const agent =
        this.options.agent?.(url) ??
        (url.protocol === this.options.address.base.protocol ? this.agent : undefined);
      const request = (url.protocol === "https:" ? https : http).request(
        url,
        {
          method: sent === undefined ? "GET" : "POST",
          headers,
          signal,
          ...(agent === undefined ? {} : { agent }),
        },
        resolve,
      );
      const connecting = setTimeout(
        () => request.destroy(Object.assign(new Error("no connection in time"), { code: "ETIMEDOUT" })),
        connectMs,
      );
      const connected = (): void => clearTimeout(connecting);
      request.on("socket", (socket) => {
        if (request.reusedSocket) {
          connected();
        } else {
          socket.once(url.protocol === "https:" ? "secureConnect" : "connect", connected);
        }
      });
      request.setTimeout(stallMs, () =>
        request.destroy(Object.assign(new Error(`silent for ${stallMs / 1000} s`), { code: "" })),
      );
      request.on("close", connected);
      request.on("error", (error) => {
        connected();
        const isStale = request.reusedSocket && ["ECONNRESET", "EPIPE"].includes(codeOf(error));
        if (isStale && again && !signal.aborted) {
          resolve(this.once(url, body, signal, false));
          return;
        }
        reject(signal.aborted ? (signal.reason as Error) : this.unreachable(error));
      });
      request.end(sent);
    });
  }

  private unreachable(error: Error): EngineFailure {
    return isUntrusted(error)
      ? new EngineFailure(
          "server-refused",
          `The certificate of ${this.shown} is not trusted (${why(error)}). Name your authority's certificate in lacuna.serverCertificates, or in $LACUNA_SERVER_CERTIFICATES.`,
        )
      : new EngineFailure(
          "server-away",
          `No server answers at ${this.shown} (${why(error)}). Start it, or correct the address.`,
        );
  }
}

/** Certificates to trust: Node's own, the system's where this Node can tell them, and those given. */
function trusted(given: readonly string[]): https.AgentOptions {
  const { getCACertificates } = tls as { getCACertificates?: (of: "default" | "system") => string[] };
  if (getCACertificates !== undefined) {
    return { ca: [...getCACertificates("default"), ...getCACertificates("system"), ...given] };
  }
  // Without a list of its own Node also reads what $NODE_EXTRA_CA_CERTS names.
  return given.length === 0 ? {} : { ca: [...tls.rootCertificates, ...given] };
}

/** Of an answer's text; undefined: it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds or a date, as milliseconds from now. */
function retryAfter(header: string | undefined): number | undefined {
  const ms = /^\d+$/.test(header ?? "") ? 1000 * Number(header) : Date.parse(header ?? "") - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(MAX_AFTER_MS, Math.max(0, ms));
}

/** What a header may hold. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

const codeOf = (error: unknown): string => (error as Partial<NodeJS.ErrnoException> | undefined)?.code ?? "";

const isUntrusted = (error: Error): boolean =>
  /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(codeOf(error));

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed",
  EPIPE: "connection closed",
  ETIMEDOUT: "no connection in time",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name cannot be looked up now",
  EHOSTUNREACH: "no way to this host",
  ENETUNREACH: "no network",
  EPROTO: "it does not speak TLS; its address may begin with http:",
  HPE_INVALID_CONSTANT: "what answers does not speak HTTP; with TLS its address begins with https:",
};

function why(error: unknown): string {
  // Where a name has several addresses, Node tells of each.
  const one = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const message = one instanceof Error ? one.message : String(one);
  return REASONS[codeOf(one)] ?? message.split("\n", 1)[0]!;
}

/** Another port is another server, which has no business with the key, unless the same one asks for TLS. */
const isSameServer = (from: URL, to: URL): boolean =>
  to.origin === from.origin ||
  (to.hostname === from.hostname && from.protocol === "http:" && to.protocol === "https:" && to.port === "");
