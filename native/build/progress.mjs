/**
 * Progress of a ninja (`[12/345] …`) or make (`[ 12%] …`) line as a share, with the text for people.
 * @param {string} line
 * @returns {{ fraction: number, text: string } | undefined}
 */
export function parseProgress(line) {
  const ninja = /^\[(\d+)\/(\d+)\] /.exec(line);
  if (ninja) {
    const [done, total] = [Number(ninja[1]), Number(ninja[2])];
    return { fraction: total === 0 ? 1 : done / total, text: `${done} of ${total} steps` };
  }
  const make = /^\[ *(\d+)%\] /.exec(line);
  return make ? { fraction: Number(make[1]) / 100, text: `${make[1]} %` } : undefined;
}

/**
 * What a failed compiler run has to say: the part about the first step that failed, without its command line.
 * @param {string[]} lines whole output
 * @param {number} [limit]
 */
export function failureLines(lines, limit = 30) {
  const ninja = lines.findIndex((line) => line.startsWith("FAILED: "));
  if (ninja >= 0) {
    const rest = lines.slice(ninja + 1).filter((line) => parseProgress(line) === undefined);
    const own = rest.slice(
      /^(\S*ccache |\S*\/)?\S*(c\+\+|g\+\+|gcc|cc|clang|nvcc|cmake|:) /.test(rest[0] ?? "") ? 1 : 0,
    );
    return own.slice(0, limit);
  }
  const error = lines.findIndex((line) => /\berror\b|CMake Error/i.test(line));
  return error >= 0 ? lines.slice(Math.max(0, error - 2), error - 2 + limit) : lines.slice(-limit);
}

const missingPieces = [
  [
    /\bCUDA::cublas\b/,
    "cuBLAS is missing: install libcublas-dev of this CUDA release, or name its folders in CMAKE_LIBRARY_PATH and CPATH.",
  ],
  [
    /\bCUDA::cuda_driver\b/,
    "libcuda is missing: install NVIDIA's driver or the toolkit's stub (cuda-driver-dev).",
  ],
  [
    /Could NOT find Vulkan|missing:.*glslc/,
    "Vulkan's SDK is missing: install libvulkan-dev, glslc and spirv-headers.",
  ],
];

/**
 * What to install, when a configuration failed for want of something that is known here.
 * @param {string[]} lines whole output
 */
export const missingPiece = (lines) =>
  missingPieces.find(([pattern]) => lines.some((line) => pattern.test(line)))?.[1];

const seconds = (ms) =>
  ms < 60_000
    ? `${(ms / 1000).toFixed(0)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;

/**
 * Says on stderr what a long job is doing: a line that is rewritten on a terminal, every tenth of the way in a CI log,
 * otherwise nothing but its beginning and end.
 */
export class Progress {
  #stream;
  #terminal;
  #log;
  #phase = "";
  #started = 0;
  #tenth = 0;

  /** @param {{ stream?: NodeJS.WriteStream, ci?: boolean }} [options] */
  constructor({ stream = process.stderr, ci = Boolean(process.env["CI"]) } = {}) {
    this.#stream = stream;
    this.#terminal = stream.isTTY === true;
    this.#log = ci && !this.#terminal;
  }

  /** Begins a phase; the one before has ended. */
  phase(name) {
    this.end();
    this.#phase = name;
    this.#started = Date.now();
    this.#tenth = 0;
    this.#stream.write(this.#terminal ? `${name} …` : `${name}\n`);
  }

  /** @param {number} fraction 0..1 @param {string} text */
  update(fraction, text) {
    if (this.#terminal) return this.#rewrite(`${this.#phase} … ${text}`);
    const tenth = Math.floor(fraction * 10);
    if (!this.#log || tenth <= this.#tenth) return;
    this.#tenth = tenth;
    this.#stream.write(`  ${text} (${seconds(Date.now() - this.#started)})\n`);
  }

  /** Ends the phase, if one is open. */
  end(text = "") {
    if (this.#phase === "") return;
    const line = `${this.#phase}: ${text === "" ? "" : `${text}, `}${seconds(Date.now() - this.#started)}`;
    if (this.#terminal) this.#rewrite(`${line}\n`);
    else if (this.#log) this.#stream.write(`${line}\n`);
    this.#phase = "";
  }

  #rewrite(text) {
    const width = this.#stream.columns ?? 80;
    this.#stream.write(
      `\r\u001b[K${text.length > width && !text.endsWith("\n") ? text.slice(0, width - 1) : text}`,
    );
  }
}
