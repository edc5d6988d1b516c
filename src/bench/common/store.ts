import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { CliError, describeFileError } from "../../commandLine/errors";
import { makeFolderSync } from "../../files/makeFolder";

/** What was measured on one case: values by name, for one way to run the model. */
export interface Point {
  readonly series: string;
  /** Where on the series: mostly the activation ratio. */
  readonly x: number;
  readonly values: Readonly<Record<string, number>>;
}

interface Line {
  readonly key: string;
  readonly points: readonly Point[];
}

/**
 * Measurements of finished cases, one JSON line each, so that an interrupted run goes on where it stopped. The key says
 * everything that the measurement depends on.
 */
export class Store {
  private readonly lines = new Map<string, readonly Point[]>();

  /** Throws a {@link CliError} if the file cannot be written. */
  constructor(
    private readonly file: string,
    fresh: boolean,
  ) {
    try {
      makeFolderSync(path.dirname(file));
      if (fresh) {
        rmSync(file, { force: true });
      }
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      appendFileSync(file, text === "" || text.endsWith("\n") ? "" : "\n");
      this.readAll(text);
    } catch (error) {
      throw new CliError(`Cannot use ${file}: ${describeFileError(error)}. Choose another --out.`);
    }
  }

  get(key: string): readonly Point[] | undefined {
    return this.lines.get(key);
  }

  keys(): string[] {
    return [...this.lines.keys()];
  }

  add(key: string, points: readonly Point[]): void {
    const rounded = points.map(({ series, x, values }) => ({
      series,
      x: round(x),
      values: mapValues(values),
    }));
    appendFileSync(this.file, `${JSON.stringify({ key, points: rounded } satisfies Line)}\n`);
    this.lines.set(key, rounded);
  }

  /** Takes what other processes have added to the file. */
  refresh(): void {
    this.readAll(readFileSync(this.file, "utf8"));
  }

  private readAll(text: string): void {
    text.split("\n").forEach((line) => {
      this.read(line);
    });
  }

  /** A line that was cut off by a crash is measured again. */
  private read(text: string): void {
    try {
      const { key, points } = JSON.parse(text) as Line;
      this.lines.set(key, points);
    } catch {
      return;
    }
  }
}

const round = (value: number): number => Number(value.toPrecision(7));

function mapValues(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round(value)]));
}
