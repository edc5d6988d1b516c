import { firstLineEnd } from "../../completion/ending/end";
import type { CompleteResult } from "../../engine/protocol";
import { percentiles } from "../common/percentiles";

/** What the time from a key to its first text goes into, in the order in which it comes. */
export const PHASES = [
  { name: "before", label: "before the engine is asked (debounce, syntax)" },
  { name: "message", label: "the request on its way to the engine" },
  { name: "turn", label: "waiting for what the engine was doing" },
  { name: "prompt", label: "making the prompt" },
  { name: "prefill", label: "evaluating what is new in it, to the first token" },
  { name: "line", label: "writing the first line" },
  { name: "lines", label: "writing the lines that belong to it" },
  { name: "show", label: "ending, filters, syntax" },
] as const;

export type PhaseName = (typeof PHASES)[number]["name"];

/** Milliseconds of each phase; they add up to the time from the key to its text. */
export type Phases = Readonly<Record<PhaseName, number>>;

/** What is known of the model's work for one key. */
export interface Asked {
  readonly phases: Phases;
  /** Prompt tokens that were evaluated. */
  readonly promptTokens: number;
  /** Why the prompt was made anew; "grown": it was not. */
  readonly prompt: "grown" | NonNullable<CompleteResult["anchored"]>;
}

/** One request to the engine as the asker saw it; all times on `clock.now`. */
export class RequestLog {
  private readonly texts: { readonly at: number; readonly text: string }[] = [];
  private result: CompleteResult | undefined;
  private endedAt: number | undefined;

  constructor(readonly sentAt: number) {}

  /** @param text everything written so far */
  grown(at: number, text: string): void {
    this.texts.push({ at, text });
  }

  ended(at: number, result: CompleteResult): void {
    this.result = result;
    this.endedAt = at;
  }

  /** Whether anything has come of it since: what was there at `time` was known. */
  grewSince(time: number): boolean {
    return (this.endedAt ?? this.texts.at(-1)?.at ?? -Infinity) >= time;
  }

  /**
   * Where the time of a key went whose text was there at `shownAt`; undefined when the request has come to nothing. A key that comes
   * while the request is under way pays only for what is left of it.
   */
  asked(keyAt: number, shownAt: number): Asked | undefined {
    const { result } = this;
    if (result === undefined) {
      return undefined;
    }
    const { times, prefill, anchored } = result;
    const before = this.texts.filter(({ at }) => at <= shownAt);
    const lastText = before.at(-1)?.at ?? times.firstToken ?? shownAt;
    const ends: Readonly<Record<PhaseName, number>> = {
      before: this.sentAt,
      message: times.arrived,
      turn: times.turn,
      prompt: times.prompt,
      prefill: times.firstToken ?? shownAt,
      line: before.find(({ text }) => firstLineEnd(text) !== undefined)?.at ?? lastText,
      lines: lastText,
      show: shownAt,
    };
    let from = keyAt;
    const phases = {} as Record<PhaseName, number>;
    for (const { name } of PHASES) {
      const to = Math.min(shownAt, Math.max(from, ends[name]));
      phases[name] = to - from;
      from = to;
    }
    return { phases, promptTokens: prefill.tokens, prompt: anchored ?? "grown" };
  }
}

interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly mean: number;
}

/** The model's work over all keys that it wrote for. */
export interface WorkSummary {
  readonly keys: number;
  /** Milliseconds. */
  readonly phases: Readonly<Record<PhaseName, Spread>>;
  readonly total: Spread;
  /** Prompts by how they came about, and the tokens that were evaluated for them. */
  readonly prompts: readonly (Spread & { readonly prompt: Asked["prompt"]; readonly keys: number })[];
}

/** Undefined for no keys. */
export function summariseWork(asked: readonly Asked[]): WorkSummary | undefined {
  if (asked.length === 0) {
    return undefined;
  }
  const phases = PHASES.map(({ name }) => [name, spread(asked.map((key) => key.phases[name]))] as const);
  return {
    keys: asked.length,
    phases: Object.fromEntries(phases) as WorkSummary["phases"],
    total: spread(asked.map((key) => PHASES.reduce((sum, { name }) => sum + key.phases[name], 0))),
    prompts: PROMPTS.flatMap(({ prompt }) => {
      const tokens = asked.filter((key) => key.prompt === prompt).map(({ promptTokens }) => promptTokens);
      return tokens.length === 0 ? [] : [{ prompt, keys: tokens.length, ...spread(tokens) }];
    }),
  };
}

function spread(values: readonly number[]): Spread {
  const { p50, p95 } = percentiles(values)!;
  return { p50, p95, mean: values.reduce((sum, value) => sum + value, 0) / values.length };
}

/** Rows of cells: median, 95th percentile and mean of each phase. Only the means add up. */
export function phaseTable({ phases, total }: WorkSummary): readonly (readonly string[])[] {
  const row = (label: string, { p50, p95, mean }: Spread): string[] => [
    label,
    ...[p50, p95, mean].map((value) => value.toFixed(1)),
  ];
  return [
    ["", "p50 (ms)", "p95 (ms)", "mean (ms)"],
    ...PHASES.map(({ name, label }) => row(label, phases[name])),
    row("from the key to the first text", total),
  ];
}

const PROMPTS: readonly { readonly prompt: Asked["prompt"]; readonly label: string }[] = [
  { prompt: "grown", label: "only grew" },
  { prompt: "first", label: "first of its document" },
  { prompt: "jump", label: "elsewhere in it" },
  { prompt: "suffix", label: "other text behind the cursor" },
  { prompt: "typed", label: "much typed since the last one" },
];

/** Rows of cells: how many prompts came about in each way, and what evaluating them took. */
export function promptTable({ prompts }: WorkSummary): readonly (readonly string[])[] {
  const rows = prompts.map(({ prompt, keys, p50, p95, mean }) => [
    PROMPTS.find((known) => known.prompt === prompt)!.label,
    `${keys}`,
    ...[p50, p95, mean].map((value) => value.toFixed(0)),
  ]);
  return [["prompt", "keys", "tokens evaluated, p50", "p95", "mean"], ...rows];
}
