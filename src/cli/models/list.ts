import { parseCommand, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { UsageError } from "../../commandLine/errors";
import { recommend, type Recommendation } from "../../models/catalogue/estimate";
import { measureMachine } from "../../models/catalogue/machine";
import { findModels } from "../../models/discovery/discovery";
import { size } from "../../models/download/errors";
import { defaultFolder } from "../../models/download/folder";

export const MODELS_LIST: CommandSpec = {
  name: "models list",
  usage: "models list [--json]",
  summary:
    "Lists code models that can be fetched, the best for this machine first, and those that are here already.",
  details:
    "Measures for a second how fast this machine reads memory, and asks nobody. Speeds and memory are expectations; sizes with ~ are rounded.\n" +
    "First comes the best that writes a line within a second of a key and leaves two thirds of the memory to other programs.",
  options: {},
  examples: ["lacuna models list", "lacuna models list --json"],
};

const FITS = {
  good: "",
  large: "takes much of the memory",
  slow: "slow here",
  "too-large": "too large for this machine",
} as const;

export async function modelsList(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(MODELS_LIST, words);
  if (args.positionals.length > 0) {
    throw new UsageError("`lacuna models list` takes no names.");
  }
  const [machine, found] = await Promise.all([
    measureMachine(context.signal),
    findModels({ extra: [defaultFolder()], signal: context.signal }),
  ]);
  const models = recommend(machine);
  if (args.flag("json")) {
    context.output(`${JSON.stringify({ machine, models: models.map(toJson), found }, undefined, 2)}\n`);
    return;
  }
  const rows = [
    ["name", "size", "tokens/s", "a line", "memory", "runs", "licence", ""],
    ...models.map(({ entry, file, size: { bytes, known }, estimate, runs, fits }) => [
      // As `models get` has to be told.
      file === entry.files[0] ? entry.name : `${entry.name}:${file.quantization}`,
      `${known === "exact" ? "" : "~"}${size(bytes)}`,
      estimate.tokensPerSecond.toFixed(estimate.tokensPerSecond < 10 ? 1 : 0),
      `${estimate.secondsPerLine.toPrecision(2)} s`,
      size(estimate.residentBytes),
      runs,
      entry.license,
      FITS[fits],
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const here = found.map(({ name, bytes, fim, source, path }) => {
    const middle = fim === undefined ? "" : fim ? ", fills in the middle" : ", cannot fill in the middle";
    return `  ${name} (${size(bytes)}, ${source}${middle})\n    ${path}`;
  });
  context.output(
    `${table.join("\n")}\n\nFetch one with \`lacuna models get NAME\`.\n${here.length === 0 ? "" : `\nHere already:\n${here.join("\n")}\n`}`,
  );
}

function toJson({ entry, file, size: { bytes, known }, runs, estimate, fits }: Recommendation): unknown {
  const { name, title, license, fim, parameters, context, card, architecture } = entry;
  return {
    ...{ name, title, bytes, bytesAre: known, license, fim, estimate, runs, fits },
    ...{ parameters, context, architecture, card },
    quantization: file.quantization,
    address: file.address,
    sha256: file.sha256 ?? null,
    quantizations: entry.files.map(({ quantization }) => quantization),
  };
}
