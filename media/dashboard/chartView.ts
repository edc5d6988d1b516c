import uPlot from "uplot";
import type { ChartContent, Series } from "./charts";
import { element, make, themeColor } from "./dom";

const HEIGHT = 190;

/** One card of the dashboard: summary, chart, and the same figures as a table. */
export class ChartView {
  private plot: uPlot | undefined;
  private shape = "";
  private readonly summary: HTMLElement;
  private readonly figure: HTMLElement;
  private readonly table: HTMLElement;

  constructor(private readonly card: HTMLElement) {
    this.summary = element(".summary", card);
    this.figure = element(".figure", card);
    this.table = element("table", card);
  }

  draw(content: ChartContent): void {
    this.summary.textContent = content.x.length === 0 ? content.empty : content.summary;
    this.card.classList.toggle("empty", content.x.length === 0);
    this.figure.setAttribute("aria-label", content.summary);
    this.fillTable(content);
    if (content.x.length === 0) {
      this.plot?.destroy();
      this.plot = undefined;
      return;
    }
    const data: uPlot.AlignedData = [[...content.x], ...content.series.map(({ values }) => [...values])];
    const width = Math.max(200, this.figure.clientWidth);
    // Colours, labels and size are the plot's for life: another shape needs another plot.
    const shape = JSON.stringify([
      width,
      document.body.className,
      content.xLabels,
      content.series.map(({ label }) => label),
    ]);
    if (this.plot !== undefined && shape === this.shape) {
      this.plot.setData(data);
      return;
    }
    this.plot?.destroy();
    this.shape = shape;
    this.plot = new uPlot(options(content, width), data, this.figure);
  }

  private fillTable({ x, xKind, xLabels, series, format }: ChartContent): void {
    const label = (value: number, index: number): string =>
      xKind === "time" ? new Date(value * 1000).toLocaleTimeString() : (xLabels?.[index] ?? format(value));
    const first = { time: "Time", category: "Day", number: "Neurons" }[xKind];
    const head = make("tr");
    head.append(
      make("th", first, { scope: "col" }),
      ...series.map((one) => make("th", one.label, { scope: "col" })),
    );
    const newest = x.map((value, index) => ({ value, index })).slice(-20);
    const rows = newest.map(({ value, index }) => {
      const row = make("tr");
      row.append(
        make("th", label(value, index), { scope: "row" }),
        ...series.map(({ values }) => make("td", values[index] == null ? "–" : format(values[index]))),
      );
      return row;
    });
    this.table.replaceChildren(head, ...rows);
  }
}

/** Of time that a chart shows at least: uPlot gives a single point years. */
const MIN_SECONDS = 10;

function timeRange({ data: [times] }: uPlot): [number, number] {
  const last = times.at(-1) ?? 0;
  return [Math.min(times[0] ?? 0, last - MIN_SECONDS), last];
}

function options(content: ChartContent, width: number): uPlot.Options {
  const foreground = themeColor("foreground", "#888");
  const grid = themeColor("widget-border", themeColor("charts-lines", "#8884"));
  const axis: uPlot.Axis = {
    stroke: foreground,
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
  };
  const last = content.x.length - 1;
  const xAxis: uPlot.Axis =
    content.xKind === "category"
      ? {
          ...axis,
          splits: content.x.length > 8 ? () => [0, last >> 1, last] : () => [...content.x],
          values: (_, at) => at.map((i) => content.xLabels?.[i] ?? ""),
        }
      : content.xKind === "number"
        ? { ...axis, values: (_, at) => at.map(content.format) }
        : axis;
  return {
    width,
    height: HEIGHT,
    scales: {
      x: {
        time: content.xKind === "time",
        ...(content.xKind === "category" ? { range: (): [number, number] => [-0.6, last + 0.6] } : {}),
        ...(content.xKind === "number" ? { range: (): [number, number] => [0, 105] } : {}),
        ...(content.xKind === "time" ? { range: timeRange } : {}),
      },
      y: {
        range: (_, low, high): [number, number] => [Math.min(0, low), Math.max(high, 1e-9) * 1.08],
      },
    },
    axes: [xAxis, { ...axis, size: 62, values: (_, at) => at.map(content.format) }],
    series: [
      {
        label: { time: "Time", category: "Day", number: "Neurons" }[content.xKind],
        value: (_, value) => label(content, value),
      },
      ...content.series.map((one) => style(one, content.format)),
    ],
    legend: { show: content.series.length > 1, live: false },
    cursor: { y: false, drag: { x: false, y: false } },
  };
}

function label({ xKind, xLabels, format }: ChartContent, value: number | null): string {
  if (value === null) {
    return "–";
  }
  return xKind === "time" ? new Date(value * 1000).toLocaleTimeString() : (xLabels?.[value] ?? format(value));
}

function style(series: Series, format: (value: number) => string): uPlot.Series {
  const color = themeColor(series.color, "#4a90d9");
  const base: uPlot.Series = {
    label: series.label,
    stroke: color,
    width: 2,
    value: (_, value) => format(value),
  };
  switch (series.kind) {
    case "bars": {
      const paths = uPlot.paths.bars?.({ size: [series.label === "shown" ? 0.6 : 0.4, 40], align: 0 });
      return {
        ...base,
        fill: `color-mix(in srgb, ${color} 45%, transparent)`,
        width: 1,
        points: { show: false },
        ...(paths === undefined ? {} : { paths }),
      };
    }
    case "points":
      return { ...base, points: { show: true, size: 7, fill: color } };
    case "line":
      return { ...base, points: { show: true, size: 4, fill: color } };
  }
}
