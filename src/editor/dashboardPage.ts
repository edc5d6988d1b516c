/** Cards of the dashboard: id as in `media/dashboard/charts.ts`, title. */
const CHARTS: readonly (readonly [id: string, title: string])[] = [
  ["speed", "Speed"],
  ["latency", "Latency"],
  ["memory", "Memory"],
  ["acceptance", "Acceptance by day"],
  ["guard", "Guard: quality by share of the FFN that is read"],
];

export interface PageOptions {
  readonly script: string;
  readonly style: string;
  readonly cspSource: string;
  readonly nonce: string;
}

/** The dashboard's page: no inline style or script, nothing from elsewhere. */
export function dashboardPage({ script, style, cspSource, nonce }: PageOptions): string {
  const policy = `default-src 'none'; style-src ${cspSource}; script-src 'nonce-${nonce}'`;
  const cards = CHARTS.map(
    ([id, title]) => `<section id="${id}" aria-labelledby="${id}-title">
  <h2 id="${id}-title">${title}</h2>
  <p class="summary"></p>
  <div class="figure" role="img"></div>
  <details><summary>Figures</summary><table aria-labelledby="${id}-title"></table></details>
</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>Lacuna Dashboard</title>
</head>
<body>
<header>
  <h1>Lacuna</h1>
  <span id="status" role="status"></span>
  <span class="buttons">
    <button type="button" data-command="lacuna.setSparsity">Set sparsity</button>
    <button type="button" data-command="lacuna.selectModel">Select model</button>
    <button type="button" data-command="lacuna.showLog">Show log</button>
  </span>
  <span id="model"></span>
</header>
<main>
${cards.join("\n")}
<section id="heatmap" aria-labelledby="heatmap-title">
  <h2 id="heatmap-title">Which neurons matter, by layer</h2>
  <p class="summary"></p>
  <div class="figure"><canvas tabindex="0" role="img"></canvas><p class="told" role="status"></p></div>
  <details><summary>Figures</summary><table aria-labelledby="heatmap-title"></table></details>
</section>
</main>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
