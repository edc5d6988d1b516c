/** A line plot as SVG: small, without scripts, readable on light and dark pages. */
export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly PlotSeries[];
}

export interface Axis {
  readonly label: string;
  readonly format: (value: number) => string;
  readonly log?: boolean;
  readonly min?: number;
  readonly max?: number;
}

export interface PlotSeries {
  readonly name: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly low?: number;
    readonly high?: number;
  }[];
  /** Points only. */
  readonly scattered?: boolean;
}

const WIDTH = 760;
const HEIGHT = 440;
const LEFT = 70;
const RIGHT = 230;
const TOP = 40;
const BOTTOM = 52;
const COLOURS = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#7a5195",
  "#8c564b",
  "#777777",
];
const DASHES = ["", "6 3", "2 3"];

export function linePlot({ title, x, y, series }: Plot): string {
  const all = series.flatMap(({ points }) => points);
  const scaleX = scaleOf(
    all.map((point) => point.x),
    x,
    [LEFT, WIDTH - RIGHT],
  );
  const scaleY = scaleOf(
    all.map((point) => point.y),
    y,
    [HEIGHT - BOTTOM, TOP],
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(LEFT, 22, title, `font-size="14" font-weight="bold"`),
    ...axes(x, y, scaleX, scaleY),
    ...series.flatMap((one, index) => draw(one, index, scaleX, scaleY)),
    "</svg>\n",
  ];
  return parts.join("\n");
}

interface Scale {
  readonly ticks: readonly number[];
  place(value: number): number;
}

function scaleOf(values: readonly number[], axis: Axis, [from, to]: readonly [number, number]): Scale {
  const finite = values.filter((value) => Number.isFinite(value) && (axis.log !== true || value > 0));
  const low = axis.min ?? Math.min(...finite);
  const high = axis.max ?? Math.max(...finite);
  const map = axis.log === true ? Math.log10 : (value: number): number => value;
  const span = map(high) - map(low) || 1;
  const ticks = axis.log === true ? logTicks(low, high) : linearTicks(low, high);
  return {
    ticks,
    place: (value) => from + ((map(Math.min(high, Math.max(low, value))) - map(low)) / span) * (to - from),
  };
}

function linearTicks(low: number, high: number): number[] {
  const rough = (high - low || 1) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor((high - first * step) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function logTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    ticks.push(...[1, 2, 5].map((factor) => factor * 10 ** power));
  }
  return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

function axes(x: Axis, y: Axis, scaleX: Scale, scaleY: Scale): string[] {
  const bottom = HEIGHT - BOTTOM;
  const right = WIDTH - RIGHT;
  return [
    ...scaleX.ticks.flatMap((tick) => [
      line(scaleX.place(tick), TOP, scaleX.place(tick), bottom, `stroke="#e4e4e4"`),
      text(scaleX.place(tick), bottom + 18, x.format(tick), `text-anchor="middle" fill="#444"`),
    ]),
    ...scaleY.ticks.flatMap((tick) => [
      line(LEFT, scaleY.place(tick), right, scaleY.place(tick), `stroke="#e4e4e4"`),
      text(LEFT - 8, scaleY.place(tick) + 4, y.format(tick), `text-anchor="end" fill="#444"`),
    ]),
    line(LEFT, bottom, right, bottom, `stroke="#444"`),
    line(LEFT, TOP, LEFT, bottom, `stroke="#444"`),
    text((LEFT + right) / 2, HEIGHT - 12, x.label, `text-anchor="middle"`),
    `<text transform="translate(16 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(y.label)}</text>`,
  ];
}

function draw(
  { name, points, scattered }: PlotSeries,
  index: number,
  scaleX: Scale,
  scaleY: Scale,
): string[] {
  const colour = COLOURS[index % COLOURS.length]!;
  const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length]!;
  const style = `stroke="${colour}"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`;
  const at = ({ x, y }: { readonly x: number; readonly y: number }): [string, string] => [
    scaleX.place(x).toFixed(1),
    scaleY.place(y).toFixed(1),
  ];
  const legendY = TOP + 8 + index * 17;
  const legendX = WIDTH - RIGHT + 16;
  return [
    ...points
      .filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high))
      .map(({ x, low, high }) => {
        const place = scaleX.place(x);
        return line(
          place,
          scaleY.place(low!),
          place,
          scaleY.place(high!),
          `stroke="${colour}" stroke-opacity="0.35"`,
        );
      }),
    ...(scattered === true
      ? []
      : [
          `<polyline fill="none" stroke-width="1.8" ${style} points="${points.map((point) => at(point).join(",")).join(" ")}"/>`,
        ]),
    ...points.map((point) => {
      const [cx, cy] = at(point);
      return `<circle cx="${cx}" cy="${cy}" r="${scattered === true ? 4 : 2.5}" fill="${colour}"/>`;
    }),
    line(legendX, legendY - 4, legendX + 18, legendY - 4, `stroke-width="2.5" ${style}`),
    text(legendX + 24, legendY, name),
  ];
}

const line = (x1: number, y1: number, x2: number, y2: number, style: string): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${style}/>`;

const text = (x: number, y: number, content: string, style = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${style}>${escape(content)}</text>`;

const escape = (content: string): string =>
  content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
