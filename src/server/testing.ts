import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseServerAddress } from "./address";
import { ServerClient, type ServerClientOptions } from "./client";
import { Connection, type ConnectionOptions } from "./connection";
import type { Wanted } from "./wanted";

/** One request that a double was sent. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Readonly<Record<string, unknown>>;
  /** The other side went away before it was answered. */
  closed: boolean;
}

export type Route = (asked: Asked, response: ServerResponse) => unknown;

/** A server on this machine that answers as a test says: for tests. */
export class ServerDouble {
  readonly asked: Asked[] = [];
  /** By path; others are not found. */
  routes: Record<string, Route> = {};
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  static async start(routes: Record<string, Route> = {}, port = 0): Promise<ServerDouble> {
    const double = new ServerDouble();
    double.routes = routes;
    await new Promise<void>((resolve) => double.server.listen(port, "127.0.0.1", resolve));
    return double;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  of(path: string): readonly Asked[] {
    return this.asked.filter((one) => one.path === path);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString("utf8");
    const body = (text === "" ? {} : JSON.parse(text)) as Asked["body"];
    const asked: Asked = { path: request.url ?? "", headers: request.headers, body, closed: false };
    this.asked.push(asked);
    response.on("close", () => (asked.closed = !response.writableFinished));
    const route = this.routes[asked.path];
    if (route === undefined) {
      json(response, { error: "not found" }, 404);
      return;
    }
    await route(asked, response);
  }
}

export const json = (response: ServerResponse, value: unknown, status = 200): void =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

/** Sends bytes in pieces, each in a packet of its own. */
export async function pieces(
  response: ServerResponse,
  parts: readonly (string | Uint8Array)[],
): Promise<void> {
  for (const part of parts) {
    response.write(part);
    await sleep(2);
  }
}

/** As server-sent events. */
export const events = (values: readonly unknown[]): string =>
  values.map((value) => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`).join("");

export const WANTED: Wanted = { kind: "auto", model: "", fim: "auto", contextSize: 2048 };

export function clientOf(
  address: string,
  wanted: Partial<Wanted> = {},
  connection: Partial<ConnectionOptions> = {},
  options: Partial<ServerClientOptions> = {},
): ServerClient {
  return new ServerClient({
    connection: new Connection({ address: parseServerAddress(address), ...connection }),
    wanted: { ...WANTED, ...wanted },
    backOff: () => 20,
    ...options,
  });
}

/** What the double of llama-server does with a prompt. */
export interface LlamaScript {
  /** Words that it writes, one token each. */
  readonly writes: readonly string[];
  /** Milliseconds before each. */
  readonly tokenMs?: number;
}

const MARKS = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>", "<s>"];

/**
 * A llama-server with a vocabulary of words: its tokens are numbers of words that it has seen, its cache is the last prompt and what it wrote.
 * Answers as tools/server of llama.cpp v0.5.0 does.
 */
export class LlamaDouble {
  private readonly words: string[] = [...MARKS];
  private cache: readonly number[] = [];
  script: LlamaScript = { writes: [] };
  name = "double";
  /** Tokens of context; a longer prompt is refused. */
  contextSize = 2048;
  /** What it says that its context is. */
  toldSize = 2048;

  readonly routes: Record<string, Route> = {
    "/health": (_, response) => json(response, { status: "ok" }),
    "/props": (_, response) =>
      json(response, {
        default_generation_settings: { n_ctx: this.toldSize },
        total_slots: 1,
        model_alias: this.name,
        bos_token: "<s>",
      }),
    "/v1/models": (_, response) => json(response, { data: [{ id: this.name, meta: { n_params: 7e9 } }] }),
    "/tokenize": ({ body }, response) => this.tokenize(body, response),
    "/completion": (asked, response) => this.complete(asked, response),
  };

  /** The text of tokens. */
  text(tokens: unknown): string {
    return (tokens as number[]).map((token) => this.words[token]).join("");
  }

  private tokens(text: string): number[] {
    return (text.match(/\n[^\S\n]*| ?\w+| ?[^\s\w]+|[^\S\n]/gu) ?? []).map((word) => this.id(word));
  }

  private id(word: string): number {
    const at = this.words.indexOf(word);
    return at >= 0 ? at : this.words.push(word) - 1;
  }

  private tokenize(body: Asked["body"], response: ServerResponse): void {
    const content = Array.isArray(body.content)
      ? (body.content as (string | number)[])
      : [body.content as string];
    const whole = (text: string): number[] =>
      body.parse_special === true && MARKS.includes(text) ? [MARKS.indexOf(text)] : this.tokens(text);
    const tokens = [
      ...(body.add_special === true ? [this.id("<s>")] : []),
      ...content.flatMap((part) => (typeof part === "number" ? [part] : whole(part))),
    ];
    json(response, {
      tokens: body.with_pieces === true ? tokens.map((id) => ({ id, piece: this.words[id] })) : tokens,
    });
  }

  private async complete({ body }: Asked, response: ServerResponse): Promise<void> {
    const prompt = body.prompt as readonly number[];
    if (prompt.length >= this.contextSize) {
      const message = `the request exceeds the available context size (${this.contextSize} tokens), try increasing it`;
      const error = { code: 400, message, type: "exceed_context_size_error", n_ctx: this.contextSize };
      json(response, { error }, 400);
      return;
    }
    let same = 0;
    while (same < prompt.length - 1 && prompt[same] === this.cache[same]) {
      same++;
    }
    this.cache = prompt;
    const timings = {
      cache_n: same,
      prompt_n: prompt.length - same,
      prompt_ms: 1,
      predicted_n: 0,
      predicted_ms: 0,
    };
    response.writeHead(200, { "content-type": "text/event-stream" });
    const progress = { total: prompt.length, cache: same, processed: prompt.length, time_ms: 1 };
    response.write(events([{ content: "", tokens: [0], stop: false, timings, prompt_progress: progress }]));
    const stop = (body.stop as string[] | undefined) ?? [];
    const { tokenMs = 0 } = this.script;
    const writes = heldTo(body.grammar, this.script.writes);
    let stopType = "eos";
    for (const [index, word] of writes.entries()) {
      await sleep(tokenMs);
      if (response.destroyed) {
        return;
      }
      if (index >= (body.n_predict as number)) {
        stopType = "limit";
        break;
      }
      const end = stop.map((text) => word.indexOf(text)).find((at) => at >= 0) ?? word.length;
      const token = this.id(word);
      this.cache = [...this.cache, token];
      Object.assign(timings, { predicted_n: index + 1, predicted_ms: index });
      response.write(events([{ content: word.slice(0, end), tokens: [token], stop: false, timings }]));
      if (end < word.length) {
        stopType = "word";
        break;
      }
    }
    response.end(events([{ content: "", tokens: [], stop: true, stop_type: stopType, timings }]));
  }
}

/** As a grammar of one literal and anything after it has it. */
function heldTo(grammar: unknown, writes: readonly string[]): readonly string[] {
  const literal = /^root ::= ("(?:[^"\\]|\\.)*")/.exec(typeof grammar === "string" ? grammar : "")?.[1];
  const piece = literal === undefined ? "" : (JSON.parse(literal) as string);
  return piece === "" || writes[0]?.startsWith(piece) === true ? writes : [piece, ...writes];
}
