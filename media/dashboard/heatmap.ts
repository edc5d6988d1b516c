import type { DashboardData } from "../../src/editor/dashboardData";
import { element, make, themeColor } from "./dom";

type Mask = NonNullable<DashboardData["mask"]>;

/** Which neurons matter, by layer: one row per layer, one cell per slice of its neurons. Arrow keys walk through it. */
export class Heatmap {
  private readonly summary: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly told: HTMLElement;
  private readonly table: HTMLElement;
  private mask: Mask | undefined;
  /** Tokens choose among all neurons: colours are weights. */
  private chosen = false;
  private layer = 0;
  private bin = 0;

  constructor(private readonly card: HTMLElement) {
    this.summary = element(".summary", card);
    this.canvas = element("canvas", card) as HTMLCanvasElement;
    this.told = element(".told", card);
    this.table = element("table", card);
    this.canvas.addEventListener("keydown", (event) => this.walk(event));
    this.canvas.addEventListener("focus", () => this.paint());
    this.canvas.addEventListener("blur", () => this.paint());
    this.canvas.addEventListener("mousemove", (event) => this.point(event));
  }

  draw(mask: Mask | undefined): void {
    this.mask = mask?.source === "dense" ? undefined : mask;
    this.card.classList.toggle("empty", this.mask === undefined);
    if (this.mask === undefined) {
      this.summary.textContent =
        mask === undefined
          ? "No mask for this file yet. It is made when you pause."
          : `${mask.file} runs dense: all neurons are active.`;
      return;
    }
    const { file, rows, ffnSize } = this.mask;
    const [kept, all] = [rows, ffnSize].map((sizes) => sizes.reduce((a, b) => a + b, 0));
    this.chosen = kept === all;
    this.summary.textContent =
      `${file}: ${rows.length} layers; ` +
      (this.chosen
        ? `a token chooses among ${all} neurons. The stronger the colour, the more they count.`
        : `${kept} of ${all} neurons active. The stronger the colour, the more of them.`);
    this.canvas.setAttribute(
      "aria-label",
      `${this.summary.textContent} Walk through it with the arrow keys.`,
    );
    const head = make("tr");
    head.append(
      make("th", "Layer", { scope: "col" }),
      make("th", "Active", { scope: "col" }),
      make("th", "Neurons", { scope: "col" }),
    );
    const lines = rows.map((count, layer) => {
      const row = make("tr");
      row.append(
        make("th", String(layer), { scope: "row" }),
        make("td", String(count)),
        make("td", String(ffnSize[layer] ?? 0)),
      );
      return row;
    });
    this.table.replaceChildren(head, ...lines);
    this.paint();
  }

  private paint(): void {
    const { mask, canvas } = this;
    const context = canvas.getContext("2d");
    if (mask === undefined || context === null) {
      return;
    }
    const layers = mask.rows.length;
    const cell = Math.max(6, Math.min(22, Math.floor(190 / layers)));
    const scale = window.devicePixelRatio;
    const width = Math.max(200, canvas.parentElement?.clientWidth ?? 400);
    canvas.width = width * scale;
    canvas.height = layers * cell * scale;
    canvas.style.height = `${layers * cell}px`;
    context.scale(scale, scale);
    const full = themeColor("charts-blue", "#3794ff");
    const step = width / mask.bins;
    for (let layer = 0; layer < layers; layer++) {
      for (let bin = 0; bin < mask.bins; bin++) {
        context.globalAlpha = 0.06 + 0.94 * (mask.heatmap[layer * mask.bins + bin] ?? 0);
        context.fillStyle = full;
        context.fillRect(bin * step, layer * cell, Math.max(1, step - 1), cell - 1);
      }
    }
    if (document.activeElement === canvas) {
      context.globalAlpha = 1;
      context.strokeStyle = themeColor("focusBorder", "#fff");
      context.lineWidth = 2;
      context.strokeRect(this.bin * step, this.layer * cell, step, cell);
    }
  }

  private walk(event: KeyboardEvent): void {
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
    };
    const move = moves[event.key];
    if (move === undefined || this.mask === undefined) {
      return;
    }
    event.preventDefault();
    this.go(this.layer + move[0], this.bin + move[1]);
  }

  private point(event: MouseEvent): void {
    if (this.mask !== undefined) {
      const { clientWidth, clientHeight } = this.canvas;
      const layer = Math.floor((event.offsetY / clientHeight) * this.mask.rows.length);
      this.go(layer, Math.floor((event.offsetX / clientWidth) * this.mask.bins));
    }
  }

  private go(layer: number, bin: number): void {
    const { bins, rows, ffnSize, heatmap } = this.mask!;
    this.layer = Math.min(rows.length - 1, Math.max(0, layer));
    this.bin = Math.min(bins - 1, Math.max(0, bin));
    const size = ffnSize[this.layer] ?? 0;
    const from = Math.floor((this.bin * size) / bins);
    const to = Math.floor(((this.bin + 1) * size) / bins) - 1;
    const share = heatmap[this.layer * bins + this.bin] ?? 0;
    this.told.textContent = `Layer ${this.layer}, neurons ${from}–${to}: ${Math.round(100 * share)} % ${this.chosen ? "of what counts most in the layer" : "active"}`;
    this.paint();
  }
}
