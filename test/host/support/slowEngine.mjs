// An engine process that answers what it is told to, as slowly as asked: speaks the engine's protocol (src/engine/protocol.ts) over IPC.
// SLOW_ENGINE names a JSON file that is read again with every request (see SlowEngineScript in ../slowEngine.ts); what happens is
// appended to the same name with `.log`, a JSON value a line.
import { appendFileSync, readFileSync } from "node:fs";

const file = process.env.SLOW_ENGINE;
const script = () => JSON.parse(readFileSync(file, "utf8"));
const log = (entry) => appendFileSync(`${file}.log`, `${JSON.stringify(entry)}\n`);
const send = (message) => process.send(message, undefined, undefined, () => undefined);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const now = () => Number(process.hrtime.bigint()) / 1e6;

/** Requests that are not answered yet: how they are to end. */
const running = new Map();
let turn = Promise.resolve();

/** What is to be written at the end of `prefix`: the rest of the last answer that has been begun there. */
function answerAt(prefix, answers) {
  for (const { after, text } of answers.toReversed()) {
    for (let typed = text.length - 1; typed >= 0; typed--) {
      if (prefix.endsWith(after + text.slice(0, typed))) {
        return text.slice(typed);
      }
    }
  }
  return "";
}

/** Waits in small steps, so that a cancelled request ends within one. */
async function wait(ms, request) {
  for (const end = now() + ms; now() < end && request.end === undefined;) {
    await sleep(Math.min(5, Math.max(0, end - now())));
  }
}

async function complete(id, { prefix }, request) {
  const { firstMs = 0, tokenMs = 0, promptTokens = 10, answers = [], activeRatio = 1 } = script();
  const arrived = now();
  const text = answerAt(prefix, answers);
  await wait(firstMs, request);
  const firstToken = now();
  let written = "";
  const tokens = text.match(/\s*[\p{L}\p{N}_]+|\s*./gsu) ?? [];
  for (const token of tokens) {
    if (request.end !== undefined) {
      break;
    }
    written += token;
    send({ type: "item", id, item: { text: token } });
    await wait(tokenMs, request);
  }
  const ms = now() - firstToken;
  const count = Math.max(0, tokens.length - 1);
  return {
    text: written,
    stopReason: request.end ?? "eos",
    activeRatio,
    prefill: { tokens: promptTokens, ms: firstToken - arrived },
    decode: { tokens: count, ms, tokensPerSecond: ms > 0 ? (1000 * count) / ms : 0 },
    times: { arrived, turn: arrived, prompt: arrived, firstToken },
  };
}

async function load({ modelPath, contextSize }) {
  const { loadMs = 0, model = {} } = script();
  for (const fraction of [0, 0.25, 0.5, 0.75, 1]) {
    send({ type: "state", state: { kind: "loading", fraction } });
    await sleep(loadMs / 5);
  }
  send({ type: "state", state: { kind: "dense" } });
  return {
    ...{ path: modelPath, name: "Slow", architecture: "slow", parameters: 5e8, fileBytes: 4e8 },
    ...{ contextSize, layerCount: 1, ffnSize: [1], ffnBytes: 1, hasFim: true, gpu: "cpu" },
    ...model,
  };
}

const memory = () => ({ residentBytes: process.memoryUsage().rss, mappedBytes: 0, packedBytes: 0 });

const handlers = {
  load: (_, params) => load(params),
  complete,
  warm: () => Promise.resolve({ prefill: { tokens: 0, ms: 0 } }),
  sparsify: (_, { sparsity }) => {
    const activeRatio = typeof sparsity === "number" ? sparsity : 1;
    const source = activeRatio < 1 ? "attributed" : "dense";
    const nothing = { tokens: 0, ms: 0 };
    const heatmap = { bins: 1, values: new Float32Array([activeRatio]) };
    return Promise.resolve({
      ...{ activeRatio, rows: [1], source, guard: [], attribution: nothing, packing: { ms: 0 } },
      ...{ memory: memory(), heatmap },
    });
  },
  stats: () => Promise.resolve({ ...memory(), tokensPerSecond: 0, activeRatio: 1, versions: {} }),
  unload: () => Promise.resolve({}),
};

async function answer({ id, method, params, deadlineMs }) {
  const request = {};
  running.set(id, request);
  const limit = method === "complete" ? (script().deadlineMs ?? deadlineMs) : deadlineMs;
  const deadline = limit === undefined ? undefined : setTimeout(() => (request.end ??= "deadline"), limit);
  const asked = ({ prefix, document, path }) => ({ prefix: prefix.slice(-40), document, path });
  log({ event: method, id, ...(method === "complete" ? asked(params) : {}) });
  // One at a time, as the engine; only figures are told at once.
  const before = turn;
  let done;
  if (method !== "stats") {
    turn = new Promise((resolve) => (done = resolve));
    await before;
  }
  try {
    const result = await handlers[method](id, params, request);
    log({ event: "answered", id, method, how: request.end ?? "whole" });
    send({ type: "result", id, result });
  } catch (error) {
    send({ type: "error", id, error: { code: "internal", message: String(error) } });
  } finally {
    clearTimeout(deadline);
    running.delete(id);
    done?.();
  }
}

process.on("message", (message) => {
  if (message.type === "cancel") {
    log({ event: "cancel", id: message.id });
    const request = running.get(message.id);
    if (request !== undefined && script().ignoresCancel !== true) {
      request.end ??= "cancelled";
    }
  } else {
    void answer(message);
  }
});
process.on("disconnect", () => process.exit(0));
send({ type: "ready", pid: process.pid });
