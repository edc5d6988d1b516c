import { CliError } from "../../../commandLine/errors";
import type { LlamaServer } from "../../common/llamaServer";
import type { Written } from "../messages";

interface Answer {
  readonly tokens?: readonly number[];
  readonly timings?: {
    readonly prompt_n: number;
    readonly prompt_ms: number;
    readonly predicted_n: number;
    readonly predicted_ms: number;
  };
}

/** What the server did with a prompt, as it says itself; the tokens that it wrote, greedily. */
export async function askServer(
  server: LlamaServer,
  prompt: readonly number[],
  maxTokens: number,
  signal: AbortSignal,
): Promise<Written & { readonly promptMs: number }> {
  const response = await fetch(`${server.address}/completion`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{ prompt, n_predict: maxTokens, temperature: 0, top_k: 1, samplers: ["top_k"] },
      ...{ cache_prompt: false, return_tokens: true },
    }),
    signal,
  });
  const { tokens, timings } = (response.ok ? await response.json() : {}) as Answer;
  if (tokens === undefined || timings === undefined) {
    throw new CliError(`llama-server answered ${response.status} without tokens or timings.`);
  }
  return { tokens, ms: timings.predicted_ms, promptMs: timings.prompt_ms };
}
