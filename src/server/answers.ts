import { EngineFailure } from "../engine/errors";
import { parsed, type Answer, type Connection, type JsonAnswer } from "./connection";

/** The prompt is longer than what the server can take. */
export class ContextTooLong extends EngineFailure {
  /** @param contextSize tokens, where the server tells */
  constructor(
    message: string,
    readonly contextSize: number | undefined,
  ) {
    super("context-overflow", message);
  }
}

/** The server is there, and will be ready. */
export class NotYet extends EngineFailure {
  /** @param afterMs milliseconds after which it wants to be asked again, where it tells */
  constructor(
    readonly what: "loading" | "busy",
    message: string,
    readonly afterMs?: number,
  ) {
    super("server-away", message);
  }
}

/** A field of a JSON value, whatever that is. */
export const field = (value: unknown, ...names: readonly string[]): unknown =>
  names.reduce<unknown>(
    (inner, name) =>
      typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[name] : undefined,
    value,
  );

export const numberAt = (value: unknown, ...names: readonly string[]): number | undefined => {
  const found = field(value, ...names);
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
};

export const textAt = (value: unknown, ...names: readonly string[]): string | undefined => {
  const found = field(value, ...names);
  return typeof found === "string" ? found : undefined;
};

/** What a server says that it will not do: `{"error":{"message":…}}`, `{"error":"…"}` and their like. */
function complaintOf(value: unknown): string {
  const said =
    textAt(value, "error", "message") ??
    textAt(value, "error") ??
    textAt(value, "message") ??
    textAt(value, "detail") ??
    "";
  return said.split("\n", 1)[0]!.slice(0, 300) || "no reason given";
}

const TOO_LONG =
  /context (?:length|size|window)|exceeds? the (?:available|maximum)|too (?:long|many tokens)/i;

/** An answer that is no success, as an error for the user. */
export function refusal(shown: string, { status, value, afterMs }: JsonAnswer): EngineFailure {
  const said = complaintOf(value);
  if (status === 401 || status === 403) {
    return new EngineFailure(
      "server-refused",
      `${shown} does not accept the key (${said}). Set the right one with “Lacuna: Set Server Key”, or in $LACUNA_SERVER_KEY.`,
    );
  }
  if (status === 503 && /load/i.test(said)) {
    return new NotYet("loading", `${shown} is loading its model.`, afterMs);
  }
  if (status === 503 || status === 429) {
    return new NotYet("busy", `${shown} cannot answer now (${status}: ${said}).`, afterMs);
  }
  if (
    status === 400 &&
    (textAt(value, "error", "type") === "exceed_context_size_error" || TOO_LONG.test(said))
  ) {
    const told =
      numberAt(value, "error", "n_ctx") ?? Number(/context length is (\d+)/i.exec(said)?.[1] ?? NaN);
    return new ContextTooLong(
      `The prompt is too long for ${shown} (${said}). Lower lacuna.contextSize.`,
      Number.isFinite(told) ? told : undefined,
    );
  }
  return status === 408 || status >= 500
    ? new EngineFailure("server-away", `${shown} cannot answer now (${status}: ${said}).`)
    : new EngineFailure("server-refused", `${shown} refuses (${status}: ${said}).`);
}

/** An error in the middle of a stream; undefined: `value` is none. */
export function brokenOff(shown: string, value: unknown): EngineFailure | undefined {
  return (field(value, "error") ?? undefined) === undefined
    ? undefined
    : refusal(shown, { status: numberAt(value, "error", "code") ?? 500, value });
}

/** @throws {@link EngineFailure} unless the answer is a success; then its body is still to be read */
export async function expectSuccess(
  connection: Connection,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  if (answer.status < 200 || answer.status > 299) {
    const text = await connection.text(answer, signal);
    throw refusal(connection.shown, { ...answer, value: parsed(text) ?? { error: text } });
  }
}

/** GET, or POST of `body`. @throws {@link EngineFailure} unless the answer is a JSON document and a success */
export async function ask(
  connection: Connection,
  path: string,
  body: object | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const answer = await connection.json(path, body, signal);
  const { status, value } = answer;
  if (status < 200 || status > 299) {
    throw refusal(connection.shown, answer);
  }
  if (value === undefined) {
    throw new EngineFailure("server-away", `${connection.shown} sent what cannot be read (${path}).`);
  }
  return value;
}

/** One message of a stream. @throws {@link EngineFailure} when it is none, or tells of an error */
export function message(shown: string, text: string): unknown {
  const value = parsed(text);
  if (value === undefined) {
    throw new EngineFailure("server-away", `${shown} sent what cannot be read (${text.slice(0, 60)}).`);
  }
  const failure = brokenOff(shown, value);
  if (failure !== undefined) {
    throw failure;
  }
  return value;
}
