import type { Estimate } from "./bootstrap";

/** A table with columns of equal width, so that it reads well as plain text, too. */
export function table(heading: readonly string[], lines: readonly (readonly string[])[]): string {
  const [head, ...rows] = [heading, ...lines].map((cells) =>
    cells.map((cell) => cell.replaceAll("|", "\\|")),
  ) as [string[], ...string[][]];
  const widths = head.map((cell, column) =>
    Math.max(cell.length, 3, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

export const percent = (value: number, digits = 1): string => `${(100 * value).toFixed(digits)} %`;

/** `12.3 % (10.1 to 14.0)` */
export function percentWithInterval({ mean, low, high }: Estimate): string {
  const bare = (value: number): string => (100 * value).toFixed(1);
  return Number.isFinite(low) ? `${percent(mean)} (${bare(low)} to ${bare(high)})` : percent(mean);
}

/** A difference in percentage points; bold when its interval leaves out zero. */
export function difference({ mean, low, high }: Estimate): string {
  const signed = `${mean > 0 ? "+" : mean < 0 ? "−" : ""}${(100 * Math.abs(mean)).toFixed(1)}`;
  return low > 0 || high < 0 ? `**${signed}**` : signed;
}
