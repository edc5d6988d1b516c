import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a server does with one request; `next` counts the requests from 0. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, next: number) => void;

/** A server on this machine, for tests: every request is answered by `behaviour`. */
export class TestServer {
  private readonly server: Server;
  readonly requests: { readonly url: string; readonly headers: IncomingMessage["headers"] }[] = [];
  behaviour: Behaviour = (_, response) => void response.writeHead(404).end();

  private constructor() {
    this.server = createServer((request, response) => {
      this.requests.push({ url: request.url ?? "", headers: request.headers });
      this.behaviour(request, response, this.requests.length - 1);
    });
  }

  static async start(): Promise<TestServer> {
    const one = new TestServer();
    await new Promise<void>((resolve) => one.server.listen(0, "127.0.0.1", resolve));
    return one;
  }

  get base(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Sends what is asked for of `body`, with ranges and a tag. @param until ends the connection before that byte of the file @param headers an empty `etag` for none */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  {
    until = body.length,
    headers = {},
  }: { readonly until?: number; readonly headers?: Record<string, string> } = {},
): void {
  const { etag = '"one"', ...others } = headers;
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const condition = request.headers["if-range"];
  const start = range !== null && (condition === undefined || condition === etag) ? Number(range[1]) : 0;
  if (start >= body.length) {
    response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
    return;
  }
  response.writeHead(start > 0 ? 206 : 200, {
    ...(etag === "" ? {} : { etag }),
    "accept-ranges": "bytes",
    "content-length": body.length - start,
    ...(start > 0 ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
    ...others,
  });
  const part = body.subarray(start, Math.max(start, until));
  if (until >= body.length) {
    response.end(part);
  } else {
    response.write(part, () => response.destroy());
  }
}
