import { EngineFailure } from "../engine/errors";
import { field, refusal, textAt } from "./answers";
import type { Backend } from "./backend";
import type { Connection } from "./connection";
import { LlamaServer } from "./llamaServer";
import { Ollama } from "./ollama";
import { OpenAi } from "./openAi";
import type { Wanted } from "./wanted";

/**
 * Finds out what answers, and makes ready to use it.
 * @throws {@link EngineFailure} when nobody does, not yet, or nobody that is known
 */
export async function openBackend(
  connection: Connection,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Backend> {
  const { kind } = wanted;
  if (kind === "llama-server" || kind === "auto") {
    const props = await llamaProps(connection, signal);
    if (props !== undefined) {
      return LlamaServer.open(connection, props, wanted.contextSize, signal);
    }
  }
  if (kind === "ollama" || kind === "auto") {
    const { status, value } = await connection.json("api/version", undefined, signal);
    const version = textAt(value, "version");
    if (status === 200 && version !== undefined) {
      return Ollama.open(connection, version, wanted, signal);
    }
  }
  if (kind === "openai" || kind === "auto") {
    const models = await openAiModels(connection, signal);
    if (models !== undefined) {
      return OpenAi.open(connection, models, wanted);
    }
  }
  const what = {
    auto: "llama-server, Ollama or a server with OpenAI's interface",
    openai: "a server with OpenAI's interface",
    "llama-server": "llama-server",
    ollama: "Ollama",
  }[kind];
  throw new EngineFailure("server-refused", `What answers at ${connection.shown} is not ${what}.`);
}

/** What llama-server tells of itself; undefined: it is another. */
async function llamaProps(connection: Connection, signal: AbortSignal): Promise<unknown> {
  const answer = await connection.json("props", undefined, signal);
  const { status, value } = answer;
  if (status === 200) {
    return field(value, "default_generation_settings") === undefined ? undefined : value;
  }
  const isOwn = ["unavailable_error", "authentication_error"].includes(textAt(value, "error", "type") ?? "");
  // Others ask for a key, too; only llama-server tells of its health without one.
  if (isOwn && (status === 503 || (await isHealthy(connection, signal)))) {
    throw refusal(connection.shown, answer);
  }
  return undefined;
}

async function isHealthy(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const { status, value } = await connection.json("health", undefined, signal);
  return status === 200 && textAt(value, "status") === "ok";
}

async function openAiModels(
  connection: Connection,
  signal: AbortSignal,
): Promise<readonly unknown[] | undefined> {
  const answer = await connection.json("v1/models", undefined, signal);
  const { status, value } = answer;
  if ([401, 403, 429].includes(status) || status >= 500) {
    throw refusal(connection.shown, answer);
  }
  const models = field(value, "data");
  return status === 200 && Array.isArray(models) ? (models as unknown[]) : undefined;
}
