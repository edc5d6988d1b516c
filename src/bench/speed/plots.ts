import { linePlot } from "../common/svg";
import type { SpeedReport } from "./report";

/** File name → SVG. */
export function speedPlots({ models }: SpeedReport): Map<string, string> {
  const shown = models
    .map(({ model, ratios }) => ({
      name: model.replace(/(-random-v\d+)?|\.gguf$/g, ""),
      points: ratios
        .filter(({ name }) => name !== "stock")
        .map(({ values }) => ({
          x: values.limit,
          y: values.speedup,
          low: values.speedupLow,
          high: values.speedupHigh,
        }))
        .sort((a, b) => a.x - b.x),
    }))
    .filter(({ points }) => points.length > 1);
  if (shown.length === 0) {
    return new Map();
  }
  const most = Math.max(...shown.flatMap(({ points }) => points.map(({ x }) => x)));
  const axis = (label: string): { label: string; format: (value: number) => string } => ({
    label,
    format: (value) => value.toFixed(1),
  });
  const svg = linePlot({
    title: "Decoding against stock, by what reading alone would allow",
    x: axis("stock's bytes per token over the configuration's own (the limit)"),
    y: axis("times stock"),
    series: [
      {
        name: "limit",
        points: [
          { x: 1, y: 1 },
          { x: most, y: most },
        ],
      },
      ...shown,
    ],
  });
  return new Map([["speed.svg", svg]]);
}
