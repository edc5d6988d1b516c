import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { fimFamilies } from "../completion/fim";
import { unwrap, type Outcome } from "../engine/client";
import type { CompleteRequest, CompleteResult } from "../engine/protocol";
import { proxyFor } from "../models/download/proxy";
import { parseServerAddress } from "../server/address";
import { SERVER_KINDS, type Served } from "../server/backend";
import { ServerClient } from "../server/client";
import { Connection } from "../server/connection";
import type { Arguments, CommandSpec } from "./command";
import type { Context } from "./context";
import { CliError, describeFileError, UsageError } from "./errors";

export const SERVER_OPTIONS: CommandSpec["options"] = {
  server: {
    value: "URL",
    help: "complete on this server: llama-server, Ollama, or one with OpenAI's interface",
  },
  "server-kind": { value: "KIND", help: `auto (default), ${SERVER_KINDS.join(", ")}` },
  "server-model": { value: "NAME", help: "which of the server's models (default: the only one)" },
  "server-fim": {
    value: "FAMILY",
    help: "how its model fills in the middle: auto (default), suffix (the server's own way), or a family such as qwen",
  },
};

export const SERVER_DETAILS =
  "With --server the text round the position goes to that address and nowhere else. $LACUNA_SERVER_KEY is its key, $HTTPS_PROXY a proxy,\n" +
  "$LACUNA_SERVER_CERTIFICATES a file of certificates to trust.";

export interface ServerCompletion {
  readonly served: Served;
  readonly result: CompleteResult;
}

/** A server that is loading its model, or has too much to do, has so long. */
const NOT_YET_MS = 300_000;
const LOOK_AGAIN_MS = 500;

/** @throws {@link EngineFailure} with the address when there is no server, or it refuses */
export async function completeOnServer(
  address: string,
  args: Arguments,
  contextSize: number,
  request: CompleteRequest,
  { signal, progress }: Context,
): Promise<ServerCompletion> {
  const client = new ServerClient({ connection: connect(address), wanted: wantedOf(args, contextSize) });
  try {
    const until = performance.now() + NOT_YET_MS;
    for (;;) {
      const outcome = await attempt(client, request, signal);
      const { state } = client;
      const isAway = state.kind === "away" && state.what !== "gone";
      if (outcome.ok || !isAway || performance.now() > until) {
        return unwrap(outcome);
      }
      progress.report(`The server is ${state.what}`, 0);
      await sleep(LOOK_AGAIN_MS, undefined, { signal });
    }
  } finally {
    progress.end();
    client.dispose();
  }
}

async function attempt(
  client: ServerClient,
  request: CompleteRequest,
  signal: AbortSignal,
): Promise<Outcome<ServerCompletion>> {
  const opened = await client.open(signal);
  if (!opened.ok) {
    return opened;
  }
  const completed = await client.complete(request, { signal });
  return completed.ok ? { ok: true, value: { served: opened.value, result: completed.value } } : completed;
}

/** With the key, the proxy and the certificates that the environment names. */
export function connect(address: string, env: NodeJS.ProcessEnv = process.env): Connection {
  const file = env.LACUNA_SERVER_CERTIFICATES ?? "";
  const server = parseServerAddress(address);
  const proxy = server.isLocal ? undefined : proxyFor(server.base, env); // what is for this machine does not leave it
  return new Connection({
    address: server,
    key: env.LACUNA_SERVER_KEY,
    certificates: file === "" ? [] : [readCertificates(file)],
    agent: (url) => {
      if (proxy === undefined) {
        return undefined;
      }
      return url.protocol === "https:" ? new HttpsProxyAgent(proxy) : new HttpProxyAgent(proxy);
    },
  });
}

function wantedOf(
  args: Arguments,
  contextSize: number,
): ConstructorParameters<typeof ServerClient>[0]["wanted"] {
  const choose = <T extends string>(name: string, values: readonly T[]): T => {
    const word = args.text(name) ?? values[0]!;
    const value = values.find((one) => one === word);
    if (value === undefined) {
      throw new UsageError(`--${name} must be one of ${values.join(", ")}, not ${word}.`);
    }
    return value;
  };
  return {
    kind: choose("server-kind", ["auto", ...SERVER_KINDS]),
    model: args.text("server-model") ?? "",
    fim: choose("server-fim", ["auto", "suffix", ...fimFamilies()]),
    contextSize,
  };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError(`Cannot read the certificates in ${file}: ${describeFileError(error)}.`);
  }
}
