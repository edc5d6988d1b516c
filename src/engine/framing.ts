import type { Token } from "node-llama-cpp";
import { buildPrompt } from "../completion/prompt";
import type { Session } from "./session";

/** Shares of a window before the middle, and before what follows it. */
const MIDDLE_FROM = 0.3;
const MIDDLE_TO = 0.8;

/** Room for special tokens, and for text that does not come out as the tokens that went in. */
export const SLACK_TOKENS = 128;

/** The last `middle` of the tokens are what the model is asked for. */
export interface Framed {
  readonly tokens: readonly number[];
  readonly middle: number;
}

/**
 * A piece of a file as a fill-in-the-middle prompt and its answer: neurons that a model needs to fill in are others than
 * those with which it reads on (docs/evidence, lacuna-9m, fill in the middle: at half of the neurons 14 instead of 25 %). A model
 * without FIM tokens gets the text as it is.
 *
 * @param parts consecutive tokens of the file
 */
export function frame(
  { model, tokenizer }: Pick<Session, "model" | "tokenizer">,
  path: string,
  parts: {
    readonly before: readonly number[];
    readonly middle: readonly number[];
    readonly after: readonly number[];
  },
): Framed {
  const { before, middle, after } = parts;
  const text = (tokens: readonly number[]): string => model.detokenize(tokens as Token[]);
  const budget = 2 * (before.length + after.length) + SLACK_TOKENS;
  const request = { prefix: text(before), suffix: text(after), path, context: [], budget };
  const prompt =
    tokenizer.fim === undefined
      ? [...(tokenizer.bos === undefined ? [] : [tokenizer.bos]), ...before]
      : buildPrompt(request, tokenizer.fim, tokenizer).tokens;
  return { tokens: [...prompt, ...middle], middle: middle.length };
}

/** Frames a window, with a hole in it for the model to fill; as it is for a model without FIM tokens. */
export function frameWindow(session: Session, path: string, window: readonly number[]): Framed {
  if (session.tokenizer.fim === undefined) {
    const { tokens } = frame(session, path, { before: [], middle: window, after: [] });
    return { tokens, middle: tokens.length - 1 };
  }
  const from = Math.floor(MIDDLE_FROM * window.length);
  const to = Math.max(from + 1, Math.floor(MIDDLE_TO * window.length));
  return frame(session, path, {
    before: window.slice(0, from),
    middle: window.slice(from, to),
    after: window.slice(to),
  });
}
