import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { prepareDirectory, writeFiles } from "../../commandLine/atomicFiles";
import { parseCommand, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { CliError } from "../../commandLine/errors";
import type { QualityReport } from "../quality/report";
import { evidenceReadme, type Evidence } from "./readme";

export const BENCH_EVIDENCE: CommandSpec = {
  name: "bench evidence",
  usage: "bench evidence [--out DIR]",
  summary: "Writes what follows from the results of the other benches.",
  details:
    "Reads quality.json, speed.json, latency.json and text.json in --out, and quality.json of other models in folders there, as far as they are there, " +
    "and writes README.md beside them.\n" +
    "It measures nothing; the other benches write their results with the same --out.",
  options: { out: { value: "DIR", help: "the results' folder (default docs/evidence)" } },
  examples: ["lacuna bench evidence", "lacuna bench evidence --out my-evidence"],
};

/** See {@link BENCH_EVIDENCE}. */
export function benchEvidence(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(BENCH_EVIDENCE, words);
  const out = path.resolve(args.text("out") ?? "docs/evidence");
  const evidence = readEvidence(out);
  if (Object.keys(evidence).length === 0) {
    throw new CliError(`There are no results in ${out}. Run the other benches with --out ${out} first.`);
  }
  prepareDirectory(out, "Choose another --out.");
  const readme = evidenceReadme(evidence);
  writeFiles(out, new Map([["README.md", readme]]));
  context.output(readme);
  return Promise.resolve();
}

/** The results in a folder; those of earlier versions, which have another form, are left out. */
export function readEvidence(folder: string): Evidence {
  const read = <T>(name: string, isCurrent: (report: Partial<T>) => boolean): T | undefined => {
    const file = path.join(folder, name);
    if (!existsSync(file)) {
      return undefined;
    }
    try {
      const report = JSON.parse(readFileSync(file, "utf8")) as Partial<T>;
      return isCurrent(report) ? (report as T) : undefined;
    } catch {
      throw new CliError(`${file} is no JSON. Write it anew with its bench.`);
    }
  };
  const isQuality = ({ sections }: Partial<QualityReport>): boolean => sections !== undefined;
  const models = (existsSync(folder) ? readdirSync(folder).sort() : [])
    .map((name) => read<QualityReport>(path.join(name, "quality.json"), isQuality))
    .filter((report) => report !== undefined);
  const found = {
    models: models.length === 0 ? undefined : models,
    quality: read<QualityReport>("quality.json", isQuality),
    speed: read<NonNullable<Evidence["speed"]>>("speed.json", ({ models }) => Array.isArray(models)),
    latency: read<NonNullable<Evidence["latency"]>>("latency.json", ({ systems }) => Array.isArray(systems)),
    text: read<NonNullable<Evidence["text"]>>("text.json", ({ systems }) => Array.isArray(systems)),
  };
  return Object.fromEntries(Object.entries(found).filter(([, report]) => report !== undefined));
}
