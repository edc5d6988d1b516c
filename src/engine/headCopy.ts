import { readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import { makeFolder } from "../files/makeFolder";
import { throwIfAborted } from "./abort";
import type { Gate } from "./gate";
import { captureHeadInputs, createHeadMaker, type HeadMaker } from "./head";
import { HEAD_TEXTS } from "./headText";

export interface HeadCopySource {
  readonly model: LlamaModel;
  /** Tells the model from every other one. */
  readonly identity: string;
  readonly threads: number;
  readonly gate: Gate;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
}

/** Tokens evaluated at once: short, so that a completion need not wait for long. */
const PIECE_TOKENS = 48;
/** The first positions of a text are like nothing that follows. */
const SKIPPED_TOKENS = 8;
const TEXT_TOKENS = 96;
/** Of the whole, by time. */
const CAPTURE_SHARE = 0.5;

/** A file that is being written is touched more often than this; one that is not was left by a process that was killed. */
const ABANDONED_MS = 10 * 60_000;

/** The oldest ones make room. */
const MAX_COPIES = 8;

/** Where the copy of a model's head is kept. */
export const headFile = (directory: string, identity: string): string =>
  path.join(directory, `${identity}.head`);

/**
 * Makes the low-bit copy of a model's head and keeps it under its name in `directory`. Every piece of work is one turn at the gate, so that
 * completions go first. Rejects, and leaves nothing behind, when it is aborted, the disk is full, or the head is not made of numbers.
 */
export async function makeHeadCopy(directory: string, source: HeadCopySource): Promise<string> {
  const file = headFile(directory, source.identity);
  const fresh = `${file}.${process.pid}`;
  await makeFolder(directory);
  await sweep(directory, path.basename(file));
  try {
    await write(fresh, source);
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true }).catch(() => undefined);
  }
  return file;
}

/** What the head is given on mixed code, `[n, embedding]`. */
async function captureInputs({
  model,
  threads,
  gate,
  signal,
  onProgress,
}: HeadCopySource): Promise<Float32Array> {
  const turn = <T>(work: () => Promise<T>): Promise<T> =>
    gate.run(
      "background",
      () => {
        throwIfAborted(signal); // the model may be gone
        return work();
      },
      signal,
    );
  const texts = HEAD_TEXTS.map((text) => model.tokenize(text, false).slice(0, TEXT_TOKENS));
  const context = await turn<LlamaContext>(() =>
    model.createContext({
      contextSize: TEXT_TOKENS,
      batchSize: PIECE_TOKENS,
      sequences: 1,
      threads,
      swaFullCache: true,
    }),
  );
  // One array: pieces that are joined at the end would take as much again until JavaScript's garbage is collected.
  const rows = texts.reduce((sum, { length }) => sum + Math.max(0, length - SKIPPED_TOKENS), 0);
  const captured = new Float32Array(rows * model.embeddingVectorSize);
  let at = 0;
  try {
    for (const [index, tokens] of texts.entries()) {
      for (let position = 0; position < tokens.length; position += PIECE_TOKENS) {
        const piece = tokens.slice(position, position + PIECE_TOKENS);
        const outputs = Math.min(piece.length, Math.max(0, position + piece.length - SKIPPED_TOKENS));
        const inputs = await turn(() => captureHeadInputs(context, piece, { position, outputs }));
        captured.set(inputs, at);
        at += inputs.length;
      }
      onProgress((CAPTURE_SHARE * (index + 1)) / HEAD_TEXTS.length);
    }
  } finally {
    await context.dispose();
  }
  return captured;
}

async function write(file: string, source: HeadCopySource): Promise<void> {
  const { model, identity, gate, signal, onProgress } = source;
  let inputs: Float32Array | undefined = await captureInputs(source);
  let maker: HeadMaker | undefined;
  try {
    for (let done = 0; done < 1;) {
      done = await gate.run(
        "background",
        () => {
          throwIfAborted(signal);
          maker ??= createHeadMaker(model, inputs!, { file, identity, threads: 1 });
          inputs = undefined; // the maker has its own
          return maker.step();
        },
        signal,
      );
      onProgress(CAPTURE_SHARE + (1 - CAPTURE_SHARE) * done);
    }
  } finally {
    maker?.dispose();
  }
}

/** Removes what processes that were killed while they wrote have left, and makes room for the copy `name`. */
async function sweep(directory: string, name: string): Promise<void> {
  const entries = await Promise.all(
    (await readdir(directory)).map(async (entry) => {
      const info = await stat(path.join(directory, entry)).catch(() => undefined);
      return { entry, mtimeMs: info?.mtimeMs ?? Infinity };
    }),
  );
  const before = Date.now() - ABANDONED_MS;
  const abandoned = entries.filter((file) => /\.\d+$/.test(file.entry) && file.mtimeMs < before);
  const copies = entries.filter(({ entry }) => entry.endsWith(".head") && entry !== name);
  copies.sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { entry } of [...abandoned, ...copies.slice(MAX_COPIES - 1)]) {
    await rm(path.join(directory, entry), { force: true });
    await rm(path.join(directory, `${entry}.json`), { force: true });
  }
}
