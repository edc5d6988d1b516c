import { percent } from "../common/markdown";
import { linePlot, type Axis, type PlotSeries } from "../common/svg";
import type { QualityReport } from "./report";
import { ENGINE_SERIES } from "./sections/engine";
import type { Series } from "./summary";
import { msPerToken } from "./tables";

const ratio: Axis = { label: "share of active neurons", format: (value) => percent(value, 0) };
/** Smaller rises, and falls, are drawn at its lower end: no number of cases tells them from zero. */
const rise: Axis = {
  label: "relative rise of the loss",
  format: (value) => percent(value, value < 0.01 ? 1 : 0),
  log: true,
  min: 0.001,
};

/** File name → SVG, of the sections that were measured. */
export function plots({ sections }: QualityReport): Map<string, string> {
  const files = new Map<string, string>();
  const add = (section: string, file: string, draw: (series: readonly Series[]) => string): void => {
    const series = sections[section];
    if (series !== undefined && series.length > 0) {
      files.set(file, draw(series));
    }
  };
  const masked =
    (title: string, name = "rise", y = rise) =>
    (series: readonly Series[]) =>
      linePlot({ title, x: ratio, y, series: curves(series, name, (x) => x < 1) });

  add("metrics", "metrics.svg", masked("One mask per file: rise of the loss by metric"));
  add("completions", "completions.svg", (series) =>
    linePlot({
      title: "Completions against the file's own text",
      x: ratio,
      y: { label: "BLEU", format: (value) => percent(value, 0) },
      series: curves(series, "bleu"),
    }),
  );
  add("oracles", "oracles.svg", masked("A mask for every token, chosen by an oracle: rise of the loss"));
  add("engine", "engine.svg", (series) =>
    linePlot({
      title: "Rise of the loss by bytes of the FFN that a token reads",
      x: { label: "share of the dense FFN's bytes", format: (value) => percent(value, 0) },
      y: rise,
      series: series
        .filter(({ name }) => name === ENGINE_SERIES)
        .map(({ name, points }) => ({
          name,
          points: points.map(({ values }) => ({ x: values.bytes!.mean, y: values.rise!.mean })),
        })),
    }),
  );
  add("activations", "activations.svg", (series) =>
    linePlot({
      title: "Distribution of activations in each layer",
      x: { label: "|x|", format: String, log: true },
      y: { label: "share of activations below", format: (value) => percent(value, 0) },
      series: series
        .filter(({ name }) => name.startsWith("|x|"))
        .map(({ name, points }) => ({
          name,
          points: points.map(({ x, values }) => ({ x: values.size!.mean, y: x })),
        })),
    }),
  );
  add("activations", "thresholds.svg", (series) =>
    linePlot({
      title: "Every activation below the α-percentile zeroed",
      x: { label: "α", format: (value) => percent(value, 0) },
      y: rise,
      series: curves(
        series.filter(({ name }) => name.startsWith("enforced")),
        "rise",
      ),
    }),
  );
  const rival =
    (title: string, label: string, x: (series: Series) => number) => (series: readonly Series[]) =>
      linePlot({
        title,
        x: { label, format: (value) => String(value) },
        y: { label: "bits per byte", format: (value) => value.toFixed(2) },
        series: series.map((one) => ({
          name: one.name,
          points: [{ x: x(one), y: one.points[0]!.values.bits!.mean }],
          scattered: true,
        })),
      });
  add("rivals", "rivals.svg", rival("Quality against time", "milliseconds per decoded token", msPerToken));
  add(
    "rivals",
    "rivals-memory.svg",
    rival(
      "Quality against memory",
      "MiB of weights",
      ({ points }) => points[0]!.values.bytes!.mean / 2 ** 20,
    ),
  );
  return files;
}

function curves(
  series: readonly Series[],
  name: string,
  wanted: (x: number) => boolean = () => true,
): PlotSeries[] {
  return series.map((one) => ({
    name: one.name.replace("per token, ", ""),
    points: one.points
      .filter(({ x }) => wanted(x))
      .map(({ x, values }) => ({
        x,
        y: values[name]!.mean,
        low: values[name]!.low,
        high: values[name]!.high,
      })),
  }));
}
