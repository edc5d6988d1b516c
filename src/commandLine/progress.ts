/** Progress of long work, on stderr: a line that is rewritten on a terminal, a few lines elsewhere. */
export class Progress {
  private label = "";
  private shownAt = -1;
  private width = 0;

  constructor(private readonly out: NodeJS.WriteStream = process.stderr) {}

  /**
   * @param fraction 0..1
   * @param detail after the percentage, such as the time that is left
   */
  report(label: string, fraction: number, detail = ""): void {
    const step = this.out.isTTY ? 0.01 : 0.25;
    const isNew = label !== this.label;
    if (!isNew && fraction < 1 && fraction - this.shownAt < step) {
      return;
    }
    if (!isNew && this.shownAt >= 1) {
      return;
    }
    if (isNew) {
      this.end();
    }
    this.label = label;
    this.shownAt = fraction;
    this.show(`${label} ${Math.round(fraction * 100)} %${detail}`);
  }

  /** A line that stays. */
  note(line: string): void {
    this.end();
    this.out.write(`${line}\n`);
  }

  /** Leaves the rewritten line behind. */
  end(): void {
    if (this.out.isTTY && this.width > 0) {
      this.out.write(`\r${" ".repeat(this.width)}\r`);
    }
    this.width = 0;
    this.label = "";
    this.shownAt = -1;
  }

  private show(line: string): void {
    if (this.out.isTTY) {
      this.out.write(`\r${line.padEnd(this.width)}`);
      this.width = line.length;
    } else {
      this.out.write(`${line}\n`);
    }
  }
}
