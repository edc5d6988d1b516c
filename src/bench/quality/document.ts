import { describeMachine } from "../common/environment";
import type { QualityReport } from "./report";
import { SECTION_TEXTS } from "./tables";

const TITLES: Readonly<Record<string, string>> = {
  metrics: "Metrics",
  completions: "Completions",
  variants: "Variants",
  oracles: "Oracles",
  fim: "Fill in the middle",
  engine: "The product, and what its guard lets through",
  weights: "Weights of a token's choice",
  edits: "Masks of edited files",
  age: "Masks that have aged",
  neighbours: "Masks of other files",
  activations: "Activations and weights",
  rivals: "Rivals",
};

/** The report as Markdown; every figure comes from the measurement. */
export function reportMarkdown(report: QualityReport): string {
  const { environment: env, cases, sections } = report;
  const { model, machine } = env;
  const languages = [...new Set(cases.map(({ language }) => language))].sort();
  const files = new Set(cases.map(({ file }) => file)).size;
  const lines = [
    "# Quality of sparse completions",
    "Written by the command below; [quality.json](quality.json) has every figure with its interval. [README.md](README.md) says what follows.",
    [
      `- command: \`${env.command}\``,
      `- commit: ${env.commit ?? "unknown"}, ${Object.entries(env.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")}`,
      `- model: ${model.name}, ${(model.bytes / 2 ** 20).toFixed(1)} MiB, sha256 \`${model.sha256}\``,
      `- machine: ${describeMachine(machine)}; ${env.date}`,
      `- cases: ${cases.length} holes in ${files} files (${languages.join(", ")}), seed ${report.seed}`,
    ].join("\n"),
  ];
  for (const [name, title] of Object.entries(TITLES)) {
    const series = sections[name];
    if (series !== undefined && series.length > 0) {
      lines.push(`## ${title}`, SECTION_TEXTS[name]!(series, report));
    }
  }
  return `${lines.join("\n\n")}\n`;
}
