import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { LlamaModel } from "node-llama-cpp";
import type { DocumentContext } from "./document";
import { EngineFailure } from "./errors";
import type { Gate } from "./gate";
import { checkHeadCopy, headKernels, headSupport, type HeadSupport } from "./head";
import { headFile, makeHeadCopy } from "./headCopy";
import { missesTooOften, readMisses, writeMisses, type HeadMisses } from "./headMisses";
import type { Log } from "./llama";
import type { HeadStats } from "./protocol";

/** Smaller heads are read in no time. */
const MIN_ROWS = 8192;

export interface HeadScreenOptions {
  readonly model: LlamaModel;
  /** Of the model: see `models/modelCheck`. */
  readonly identity: string;
  readonly threads: number;
  /** Where copies are kept; absent: the full head is used. */
  readonly directory: string | undefined;
  readonly log: Log;
  /** The contexts that are there. */
  readonly documents: () => Iterable<DocumentContext>;
}

/**
 * Whether the documents of a model choose from a screened head (`head.ts`): makes the copy in idle time, gives it to the documents, and
 * compares one choice in 200 with the full head's. What cannot be done leaves the full head.
 */
export class HeadScreen {
  private file: string | undefined;
  /** Why the full head is used. */
  private why: string | undefined;
  private misses: HeadMisses = { checked: 0, missed: 0 };
  private preparing: Promise<void> | undefined;
  private readonly ended = new AbortController();

  constructor(private readonly options: HeadScreenOptions) {
    this.why =
      options.directory === undefined
        ? "it is switched off."
        : whyInFull(headSupport(options.model), headKernels(options.model));
  }

  get stats(): HeadStats {
    return {
      screened: this.file !== undefined,
      ...(this.why === undefined ? {} : { why: this.why }),
      ...this.misses,
    };
  }

  /** For a document whose context is new. */
  attach(document: DocumentContext): void {
    if (this.file === undefined) {
      return;
    }
    try {
      document.screenHead(this.file, this.options.identity);
    } catch (error) {
      this.turnOff(`its copy cannot be used: ${messageOf(error)}.`);
    }
  }

  /**
   * Finds the copy or makes it, unless that was tried before. In turns at the gate; who asks meanwhile waits for the same. Never rejects:
   * {@link stats} say what has become of it.
   */
  prepare(gate: Gate, onProgress: (fraction: number) => void = () => undefined): Promise<void> {
    if (this.file !== undefined || this.why !== undefined) {
      return Promise.resolve();
    }
    this.preparing ??= this.findOrMake(gate, onProgress)
      .catch((error: unknown) => this.giveUp(error))
      .finally(() => (this.preparing = undefined));
    return this.preparing;
  }

  /** What there is to do in idle time. Never rejects. */
  async idle(gate: Gate): Promise<void> {
    await this.prepare(gate);
    await this.check(gate).catch((error: unknown) => {
      this.options.log("debug", `the screened output head cannot be compared now: ${messageOf(error)}`);
    });
  }

  /** Compares what has been remembered of the documents' choices; one turn at the gate for each document. */
  private async check(gate: Gate): Promise<void> {
    const { identity, documents, log } = this.options;
    for (const document of [...documents()]) {
      if (this.file === undefined) {
        return;
      }
      const { checked, missed } = await gate.run("background", () => document.checkHead());
      if (checked === 0) {
        continue;
      }
      this.misses = { checked: this.misses.checked + checked, missed: this.misses.missed + missed };
      await writeMisses(this.missesFile(), this.misses);
      if (missesTooOften(this.misses)) {
        this.turnOff(this.missing());
        await gate.run("background", () => {
          for (const each of documents()) {
            each.useFullHead();
          }
          return Promise.resolve();
        });
      } else {
        log(
          "debug",
          `output head of ${identity}: ${this.misses.missed} of ${this.misses.checked} choices missed`,
        );
      }
    }
  }

  /** Ends the making of a copy at its next turn, and resolves when it has. */
  async dispose(): Promise<void> {
    this.ended.abort(new EngineFailure("cancelled", "The model is unloaded."));
    await this.preparing;
  }

  private async findOrMake(gate: Gate, onProgress: (fraction: number) => void): Promise<void> {
    const { directory, identity, model, threads, log } = this.options;
    const { signal } = this.ended;
    this.misses = await readMisses(this.missesFile());
    if (missesTooOften(this.misses)) {
      this.turnOff(this.missing());
      return;
    }
    const known = headFile(directory!, identity);
    if (await this.use(gate, known)) {
      return;
    }
    const start = performance.now();
    const made = await makeHeadCopy(directory!, { model, identity, threads, gate, signal, onProgress });
    if (await this.use(gate, made)) {
      log("info", `made a copy of the output head in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    } else {
      this.turnOff("its copy cannot be read back.");
    }
  }

  /** False: the file is not there, or not good; then it is removed. */
  private use(gate: Gate, file: string): Promise<boolean> {
    const { model, identity, documents, log } = this.options;
    return gate.run(
      "background",
      async () => {
        if (!existsSync(file)) {
          return false;
        }
        try {
          checkHeadCopy(model, file, { identity });
        } catch (error) {
          log("info", `${messageOf(error)}; it is made anew`);
          await rm(file, { force: true });
          return false;
        }
        this.file = file;
        for (const document of documents()) {
          this.attach(document);
        }
        return true;
      },
      this.ended.signal,
    );
  }

  private giveUp(error: unknown): void {
    if (!this.ended.signal.aborted) {
      this.turnOff(`its copy cannot be made: ${messageOf(error)}.`);
    }
  }

  private turnOff(why: string): void {
    this.file = undefined;
    this.why = why;
    this.options.log("warn", `The output head is computed in full: ${why}`);
  }

  private missing(): string {
    const { checked, missed } = this.misses;
    return `screened, it has missed ${missed} of ${checked} choices that were compared.`;
  }

  private missesFile(): string {
    return `${headFile(this.options.directory!, this.options.identity)}.json`;
  }
}

/** Why a head is always computed in full; undefined: it can be screened. */
export function whyInFull(
  { reason, rows }: Pick<HeadSupport, "reason" | "rows">,
  kernels: readonly string[],
): string | undefined {
  if (reason === undefined && kernels[0] === "scalar") {
    return "this processor has no vector instructions for its copy.";
  }
  return reason ?? (rows < MIN_ROWS ? `a vocabulary of ${rows} tokens is read in no time.` : undefined);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
