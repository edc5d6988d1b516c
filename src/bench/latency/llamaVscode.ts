import { setTimeout as sleep } from "node:timers/promises";
import type { LlamaServer } from "../common/llamaServer";
import {
  asksAt,
  infillBody,
  inputOf,
  keptOf,
  LINES_AFTER,
  LINES_BEFORE,
  linesOf,
  shownOf,
  type Chunk,
  type Input,
} from "./llamaVscodeRules";
import type { SimulatedEditor } from "./simulatedEditor";
import type { System, Usage, Watcher } from "./system";
import { cpuSeconds, residentBytes } from "./usage";

/** llama.vscode's defaults. */
const POLL_MS = 150;
const RING_CHUNKS = 16;
const CHUNK_LINES = 64;
const FAR_LINES = 32;
const CACHE_ENTRIES = 250;

/**
 * What llama.vscode does on a change of the text: one request at a time, and those that come meanwhile look every 150 ms whether they are
 * still wanted; what the answer leads to is asked for ahead. Written after reading its sources (src/completion.ts, src/llama-server.ts).
 */
export class LlamaVscode implements System {
  private busy = false;
  private readonly cache = new Map<string, string>();
  private readonly chunks: Chunk[] = [];
  private lastLine: number | undefined;
  private requests = 0;
  private readonly following = new Set<Promise<void>>();
  private readonly cpuAtStart: number | undefined;

  constructor(
    private readonly server: LlamaServer,
    private readonly path: string,
  ) {
    this.cpuAtStart = cpuSeconds(server.pid);
  }

  open(): void {
    // The ring of chunks takes in other files only.
  }

  moved(): void {
    // A cursor that moves asks for nothing.
  }

  async changed(editor: SimulatedEditor, { signal, first, full }: Watcher): Promise<void> {
    const around = editor.surroundings(LINES_BEFORE, LINES_AFTER);
    const { line, text } = editor;
    while (this.busy) {
      await sleep(POLL_MS);
      if (signal.aborted) {
        return;
      }
    }
    if (!asksAt(around)) {
      return;
    }
    this.busy = true;
    const input = inputOf(around);
    try {
      const known = this.cached(input);
      const content = known ?? (await this.ask(input));
      const kept = keptOf(content, around);
      if (kept === undefined) {
        return;
      }
      if (known === undefined) {
        this.remember(input, kept);
      }
      const shown = shownOf(kept, around);
      if (shown !== "") {
        first(shown, known === undefined); // the answer is not streamed: its beginning comes with its end
        full();
      }
      if (!signal.aborted && around.lineSuffix.trim() === "") {
        this.follow(input, linesOf(content));
      }
      this.takeChunks(line, text);
    } finally {
      this.busy = false;
    }
  }

  async finish(): Promise<Usage> {
    await Promise.all(this.following);
    const { prompt, generated } = await this.server.tokens();
    const now = cpuSeconds(this.server.pid);
    return {
      promptTokens: prompt,
      generatedTokens: generated,
      cpuSeconds: now === undefined || this.cpuAtStart === undefined ? undefined : now - this.cpuAtStart,
      residentBytes: residentBytes(this.server.pid),
      requests: this.requests,
    };
  }

  dispose(): Promise<void> {
    return this.server.dispose();
  }

  private async ask(input: Input): Promise<string> {
    this.requests++;
    return (await this.server.infill(infillBody(input, this.chunks))).content;
  }

  /** Asks for what comes after the suggestion is accepted, and after its first line is. */
  private follow(input: Input, lines: readonly string[]): void {
    const last = lines.at(-1)!;
    const whole: Input =
      lines.length > 1
        ? {
            ...input,
            prefix: lastLines(`${input.prefix}${input.prompt}${lines.slice(0, -1).join("\n")}\n`),
            prompt: last,
          }
        : { ...input, prompt: input.prompt + last };
    const wanted = [whole];
    if (lines.length > 1) {
      wanted.push({
        ...input,
        prefix: lastLines(`${input.prefix}${input.prompt}${lines[0]!}\n`),
        prompt: "",
      });
    }
    const work = (async () => {
      for (const next of wanted) {
        if (this.cache.get(keyOf(next)) === undefined) {
          const content = await this.ask(next);
          if (content.trim() !== "") {
            this.remember(next, linesOf(content).join("\n"));
          }
        }
      }
    })();
    this.following.add(work);
    void work.finally(() => this.following.delete(work));
  }

  private cached(input: Input): string | undefined {
    for (let length = input.prompt.length; length >= 0; length--) {
      const typed = input.prompt.slice(length);
      const known = this.cache.get(keyOf({ ...input, prompt: input.prompt.slice(0, length) }));
      if (known?.startsWith(typed) === true) {
        return known.slice(typed.length);
      }
    }
    return undefined;
  }

  private remember(input: Input, content: string): void {
    this.cache.delete(keyOf(input));
    this.cache.set(keyOf(input), content);
    const oldest = this.cache.keys().next().value;
    if (this.cache.size > CACHE_ENTRIES && oldest !== undefined) {
      this.cache.delete(oldest);
    }
  }

  /** After a jump: what is beyond the window round the cursor goes into the ring. */
  private takeChunks(line: number, text: string): void {
    if (this.lastLine !== undefined && Math.abs(line - this.lastLine) < FAR_LINES) {
      return;
    }
    this.lastLine = line;
    const lines = text.split("\n");
    const above = line - LINES_BEFORE - CHUNK_LINES;
    const below = line + LINES_AFTER;
    for (const from of [above, below]) {
      const chunk = lines.slice(Math.max(0, from), Math.max(0, from + CHUNK_LINES)).join("\n");
      if (chunk.trim() !== "" && !this.chunks.some((other) => other.text === chunk)) {
        this.chunks.push({ text: `${chunk}\n`, filename: this.path, time: Date.now() });
      }
    }
    this.chunks.splice(0, Math.max(0, this.chunks.length - RING_CHUNKS));
  }
}

const keyOf = ({ prefix, suffix, prompt }: Input): string => `${prefix}|${suffix}|${prompt}`;

const lastLines = (text: string): string =>
  `${text.slice(0, -1).split("\n").slice(-LINES_BEFORE).join("\n")}\n`;
