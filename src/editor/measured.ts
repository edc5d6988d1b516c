/** What a share of neurons has been seen to cost on this machine. */
export interface Measured {
  /** Moving average over completions. */
  readonly tokensPerSecond: number;
  readonly residentBytes: number;
}

/** By model file, then by active share in whole per cent. Plain JSON. */
export type MeasuredData = Readonly<Record<string, Readonly<Record<string, Measured>>>>;

/** Fewer tokens than this say little about speed. */
const ENOUGH_TOKENS = 6;
const MAX_MODELS = 20;

const bucket = (activeRatio: number): string => String(Math.round(activeRatio * 20) * 5);

/** The data after one more completion. */
export function measure(
  data: MeasuredData,
  model: string,
  activeRatio: number,
  completion: { readonly tokens: number; readonly tokensPerSecond: number },
  residentBytes: number,
): MeasuredData {
  if (completion.tokens < ENOUGH_TOKENS || !(completion.tokensPerSecond > 0)) {
    return data;
  }
  const { [model]: known = {}, ...others } = data;
  const before = known[bucket(activeRatio)]?.tokensPerSecond ?? completion.tokensPerSecond;
  const entry: Measured = { tokensPerSecond: 0.7 * before + 0.3 * completion.tokensPerSecond, residentBytes };
  const models = Object.entries(others).slice(-(MAX_MODELS - 1));
  return { ...Object.fromEntries(models), [model]: { ...known, [bucket(activeRatio)]: entry } };
}

/** What is known about a share (within 2.5 points), if anything. */
export const measuredAt = (data: MeasuredData, model: string, activeRatio: number): Measured | undefined =>
  data[model]?.[bucket(activeRatio)];
