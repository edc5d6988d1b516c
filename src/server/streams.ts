import { createParser } from "eventsource-parser";

/** What a stream may hold back without an end of a line or an event, characters: more is no answer. */
const MAX_PENDING = 1 << 20;

/** Text of bytes, whose characters may be cut anywhere. */
async function* textOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const text = decoder.decode(bytes, { stream: true });
    if (text !== "") {
      yield text;
    }
  }
  yield decoder.decode();
}

/** The data of server-sent events, one after the other, whatever pieces they come in. */
export async function* events(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let found: string[] = [];
  let pending = 0;
  const parser = createParser({
    // llama-server once sent errors under a field of their own.
    onError: (error) => (error.field === "error" ? found.push(`{"error":${error.value}}`) : undefined),
    onEvent: ({ event, data }) =>
      found.push(event === "error" && !data.includes('"error"') ? `{"error":${data}}` : data),
    onComment: () => (pending = 0),
  });
  for await (const text of textOf(body)) {
    pending += text.length;
    parser.feed(text);
    const ready = found;
    found = [];
    pending = ready.length > 0 ? 0 : pending;
    if (pending > MAX_PENDING) {
      throw new Error("an event without end");
    }
    yield* ready;
  }
}

/** Lines that are not empty, also a last one without its end. */
export async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let pending = "";
  for await (const text of textOf(body)) {
    const parts = (pending + text).split("\n");
    pending = parts.pop()!;
    if (pending.length > MAX_PENDING) {
      throw new Error("a line without end");
    }
    yield* parts.filter((line) => line.trim() !== "");
  }
  if (pending.trim() !== "") {
    yield pending;
  }
}
