import "uplot/dist/uPlot.min.css";
import "./dashboard.css";
import type { DashboardData, FromDashboard, ToDashboard } from "../../src/editor/dashboardData";
import { acceptance, guard, latency, memory, speed, type ChartSpec } from "./charts";
import { Heatmap } from "./heatmap";
import { ChartView } from "./chartView";
import { element } from "./dom";

declare function acquireVsCodeApi(): { postMessage(message: FromDashboard): void };

const vscode = acquireVsCodeApi();
const views: readonly { readonly spec: ChartSpec; readonly view: ChartView }[] = [
  speed,
  latency,
  memory,
  acceptance,
  guard,
].map((spec) => ({ spec, view: new ChartView(element(`#${spec.id}`)) }));
const heatmap = new Heatmap(element("#heatmap"));
let latest: DashboardData | undefined;

function draw(): void {
  if (latest === undefined) {
    return;
  }
  element("#status").textContent = latest.status;
  element("#model").textContent = latest.model ?? "No model in memory; it loads when you type.";
  for (const { spec, view } of views) {
    view.draw(spec.of(latest));
  }
  heatmap.draw(latest.mask);
}

window.addEventListener("message", ({ data }: MessageEvent<ToDashboard>) => {
  latest = data.data;
  draw();
});
new ResizeObserver(() => requestAnimationFrame(draw)).observe(document.body);
// VS Code says by the body's class which theme is on.
new MutationObserver(() => draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-command]")) {
  button.addEventListener("click", () =>
    vscode.postMessage({ type: "command", command: button.dataset.command! }),
  );
}
vscode.postMessage({ type: "ready" });
