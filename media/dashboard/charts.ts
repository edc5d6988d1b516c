import type { DashboardData } from "../../src/editor/dashboardData";

export interface Series {
  readonly label: string;
  /** Name of a colour of the theme, without `--vscode-`. */
  readonly color: string;
  readonly values: readonly (number | null)[];
  readonly kind: "line" | "bars" | "points";
}

/** What one chart shows, in figures and in words. */
export interface ChartContent {
  /** One sentence, for everyone; the figure for those who do not see it. */
  readonly summary: string;
  readonly x: readonly number[];
  readonly xKind: "time" | "category" | "number";
  readonly xLabels?: readonly string[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** Shown instead of an empty chart. */
  readonly empty: string;
}

export interface ChartSpec {
  readonly id: string;
  readonly of: (data: DashboardData) => ChartContent;
}

const NO_COMPLETIONS = "No completions in this session yet. Type in a source file.";
const seconds = (points: readonly { readonly time: number }[]): number[] =>
  points.map(({ time }) => time / 1000);
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const mebibytes = (value: number): string =>
  value >= 1000 ? `${(value / 1024).toFixed(1)} GB` : `${Math.round(value)} MB`;
const percent = (value: number): string => `${Math.round(value)} %`;
const milliseconds = (value: number): string => `${Math.round(value)} ms`;

export const speed: ChartSpec = {
  id: "speed",
  of: ({ completions }) => {
    const values = completions.map(({ tokensPerSecond }) => tokensPerSecond);
    return {
      summary: `Last ${Math.round(values.at(-1) ?? 0)}, median ${Math.round(median(values))} tokens per second.`,
      x: seconds(completions),
      xKind: "time",
      series: [{ label: "tok/s", color: "charts-blue", values, kind: "line" }],
      format: (value) => String(Math.round(value)),
      empty: NO_COMPLETIONS,
    };
  },
};

export const latency: ChartSpec = {
  id: "latency",
  of: ({ completions, latencyP50, latencyP95, read }) => ({
    summary: [
      latencyP50 === undefined || latencyP95 === undefined
        ? "From asking to text."
        : `From asking to text: half within ${milliseconds(latencyP50)}, 95 % within ${milliseconds(latencyP95)}, with all models.`,
      ...(read.tokens === 0
        ? []
        : [`${percent((100 * read.again) / read.tokens)} of ${read.tokens} prompt tokens were read again.`]),
    ].join(" "),
    x: seconds(completions),
    xKind: "time",
    series: [
      {
        label: "ms",
        color: "charts-yellow",
        values: completions.map(({ latencyMs }) => latencyMs),
        kind: "line",
      },
    ],
    format: milliseconds,
    empty: NO_COMPLETIONS,
  }),
};

export const memory: ChartSpec = {
  id: "memory",
  of: (data) => {
    const points = data.memory;
    const last = points.at(-1);
    const series = (
      label: string,
      color: string,
      of: (point: (typeof points)[number]) => number,
    ): Series => ({
      label,
      color,
      values: points.map((point) => of(point) / 2 ** 20),
      kind: "line",
    });
    return {
      summary:
        last === undefined
          ? "What the engine occupies."
          : `${mebibytes(last.residentBytes / 2 ** 20)} resident, ${mebibytes(last.packedBytes / 2 ** 20)} of it packed for sparse decoding; the model file has ${mebibytes(last.mappedBytes / 2 ** 20)}.`,
      x: seconds(points),
      xKind: "time",
      series: [
        series("resident", "charts-blue", (point) => point.residentBytes),
        series("packed", "charts-green", (point) => point.packedBytes),
        series("model file", "charts-purple", (point) => point.mappedBytes),
      ],
      format: mebibytes,
      empty: "The engine has not been used yet.",
    };
  },
};

export const acceptance: ChartSpec = {
  id: "acceptance",
  of: ({ days }) => {
    const today = days.at(-1);
    const kept =
      today === undefined || today.keptCharacters === 0
        ? ""
        : `, ${percent((100 * today.keptCharacters) / today.acceptedCharacters)} of them kept`;
    return {
      summary:
        today === undefined
          ? "Kept on this machine only."
          : `${today.day}: ${today.shown} shown, ${today.accepted} accepted, ${today.acceptedCharacters} characters accepted${kept}.`,
      x: days.map((_, index) => index),
      xKind: "category",
      xLabels: days.map(({ day }) => day.slice(5)),
      series: [
        { label: "shown", color: "charts-foreground", values: days.map(({ shown }) => shown), kind: "bars" },
        {
          label: "accepted",
          color: "charts-green",
          values: days.map(({ accepted }) => accepted),
          kind: "bars",
        },
      ],
      format: (value) => String(Math.round(value)),
      empty: "No suggestion has been shown yet.",
    };
  },
};

export const guard: ChartSpec = {
  id: "guard",
  of: ({ mask }) => {
    const points = [...(mask?.guard ?? [])].sort((a, b) => a.activeRatio - b.activeRatio);
    const used = points.reduce<(typeof points)[number] | undefined>(
      (best, point) =>
        best === undefined ||
        Math.abs(point.activeRatio - mask!.activeRatio) < Math.abs(best.activeRatio - mask!.activeRatio)
          ? point
          : best,
      undefined,
    );
    return {
      summary:
        mask === undefined || used === undefined
          ? "How the masked model does on this file, by share of neurons."
          : mask.source === "dense"
            ? `Nothing within ${percent(100 * mask.maxQualityLoss)} loss on ${mask.file}: it runs dense.`
            : `${mask.file} uses ${percent(100 * mask.activeRatio)}: loss ${used.lossIncrease >= 0 ? "+" : "−"}${Math.abs(100 * used.lossIncrease).toFixed(1)} %, same first choice ${percent(100 * used.top1Agreement)}.`,
      x: points.map(({ activeRatio }) => 100 * activeRatio),
      xKind: "number",
      series: [
        {
          label: "same first choice",
          color: "charts-green",
          values: points.map((point) => 100 * point.top1Agreement),
          kind: "points",
        },
        {
          label: "rise of the loss",
          color: "charts-red",
          values: points.map((point) => 100 * point.lossIncrease),
          kind: "points",
        },
      ],
      format: percent,
      empty: "Nothing measured for this file yet. It happens when you pause.",
    };
  },
};
