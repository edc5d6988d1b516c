import { percent } from "../../common/markdown";
import type { RivalReport } from "./compare";

/** For people. */
export function formatRival({ completions = [], prefill = [], load }: RivalReport): string {
  const against = ({
    timesRival,
    low,
    high,
  }: {
    readonly timesRival: number;
    readonly low: number;
    readonly high: number;
  }): string => `${timesRival.toFixed(2)} times llama-server (${low.toFixed(2)} to ${high.toFixed(2)})`;
  return [
    ...completions.map(
      (row) =>
        `${row.name}: ${row.tokensPerSecond.toFixed(1)} tokens/s, ${against(row)}; ${percent(row.share, 0)} of the FFN's bytes, loss ${percent(row.loss)} higher, ` +
        `the same text in ${percent(row.identical, 0)} of the holes`,
    ),
    ...prefill.map(
      (row) => `prompt of ${row.tokens} tokens: ${row.tokensPerSecond.toFixed(0)} tokens/s, ${against(row)}`,
    ),
    `load at the end: ${load.toFixed(1)}`,
    "",
  ].join("\n");
}
