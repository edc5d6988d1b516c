import { movableParts } from "../../completion/movable";
import { FrozenContexts } from "../../completion/context/frozen";
import type { FimTemplate } from "../../completion/fim";
import {
  PromptPlanner,
  SETTLED_LIMITS,
  type PlanLimits,
  type PlanTokenizer,
} from "../../completion/promptPlan";
import { ReadTokens } from "../../completion/readTokens";
import { whyNotHere } from "../../completion/trigger";
import { projectContext } from "./givenProject";
import { SimulatedEditor } from "./simulatedEditor";
import { changesText, type Trace } from "./trace";

export interface PromptCost {
  readonly requests: number;
  /** Prompt tokens that are evaluated. */
  readonly evaluated: number;
  /** Of these, those whose text had been evaluated before, but for the last of each prompt: what comes next is chosen from that. */
  readonly again: number;
}

export interface PromptModel {
  readonly template: FimTemplate | undefined;
  readonly tokenizer: PlanTokenizer;
  readonly leadLines: number;
  /** Tokens. */
  readonly contextSize: number;
}

/** As in the extension, where reading takes long. */
const REFRESH_MS = 180_000;
const SETTLE_MS = 400;
const IDLE_MS = 3_000;
const JUMP_LINES = 30;
const COMPLETION_TOKENS = 128;

/**
 * What the prompts of a trace cost when every key asks and nothing is ever suggested: what is asked for, and what of it the cache holds, depends on neither time
 * nor model.
 */
export async function promptCost(trace: Trace, model: PromptModel): Promise<PromptCost> {
  const { template, tokenizer, leadLines, contextSize } = model;
  const planner = new PromptPlanner(template, tokenizer, leadLines);
  const editor = new SimulatedEditor(`file:///${trace.path}`, trace.language, trace);
  const contexts = new FrozenContexts();
  const read = new ReadTokens();
  const budget = contextSize - Math.min(COMPLETION_TOKENS, Math.floor(contextSize / 4));
  const cost = { requests: 0, evaluated: 0, again: 0 };
  let held: readonly number[] = [];

  const ask = (limits?: PlanLimits): void => {
    const { prefix, suffix } = editor.place();
    const context = contexts.of(editor.document).files;
    const plan = planner.plan({ prefix, suffix, path: trace.path, context, budget }, held, limits);
    const wanted = plan.tokens.slice(0, -1);
    const changed = wanted.findIndex((token, index) => held[index] !== token);
    const kept = wanted.slice(0, changed < 0 ? wanted.length : changed);
    let at = kept.length;
    const evaluate = (to: number): void => {
      cost.again += read.evaluated(wanted.slice(0, at), wanted.slice(at, to));
      cost.evaluated += to - at;
    };
    const { landmarks } = plan;
    for (const part of landmarks === undefined ? [] : movableParts(held, wanted, kept.length, landmarks)) {
      evaluate(part.at);
      at = part.at + part.to - part.from;
    }
    evaluate(wanted.length);
    cost.evaluated++; // the last one always is
    held = plan.tokens;
    cost.requests++;
  };

  let settled: { readonly line: number; readonly time: number } | undefined;
  const jumped = (): boolean => settled === undefined || Math.abs(editor.line - settled.line) > JUMP_LINES;
  const settle = async (time: number): Promise<void> => {
    const elsewhere = jumped();
    if (elsewhere || time - settled!.time >= REFRESH_MS) {
      settled = { line: editor.line, time };
      const files = await projectContext(editor.place(), trace.path, trace.files ?? [], contextSize);
      const changed = contexts.replace(editor.document, { files, edits: "" });
      if (changed || elsewhere) {
        ask(SETTLED_LIMITS);
      }
    }
  };

  await settle(0);
  let time = 0;
  for (const [index, event] of trace.events.entries()) {
    time += event.ms;
    editor.apply(event);
    const gapMs = trace.events[index + 1]?.ms ?? 0;
    if (changesText(event) && whyNotHere(editor.place(), "automatic") === undefined) {
      ask();
    }
    if (gapMs > (changesText(event) ? IDLE_MS : jumped() ? SETTLE_MS : Infinity)) {
      await settle(time + gapMs);
    }
  }
  return cost;
}
