import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { GgufError, type GgufHeader } from "./gguf";
import { filesOf, readModel, type ModelHeader, type ModelPart } from "./parts";

/** Why a file cannot be loaded, as one sentence that says what to do. */
export interface ModelProblem {
  readonly code: "model-missing" | "model-unreadable" | "model-unsupported";
  readonly message: string;
}

export type ModelCheck =
  | { readonly ok: true; readonly header: ModelHeader }
  | { readonly ok: false; readonly problem: ModelProblem };

/**
 * Architectures that llama.cpp runs, but not as what writes a text token by token: encoders, models that need one or another model, and
 * those that fill in a text all at once. For most of them it has no KV cache, and what it decodes is noise.
 */
const WRITES_NO_TEXT: ReadonlySet<string> = new Set([
  "bert",
  "clip",
  "dflash",
  "dream",
  "eagle3",
  "eurobert",
  "gemma-embedding",
  "jina-bert-v2",
  "jina-bert-v3",
  "llada",
  "llada-moe",
  "modern-bert",
  "neo-bert",
  "nomic-bert",
  "nomic-bert-moe",
  "rnd1",
  "t5",
  "t5encoder",
  "wavtokenizer-dec",
]);

/** Whether a model of this header writes text token by token. */
export const writesText = (header: Pick<GgufHeader, "metadata">, architecture: string): boolean =>
  !WRITES_NO_TEXT.has(architecture) && header.metadata.get(`${architecture}.attention.causal`) !== false;

/**
 * Everything that can be known to be wrong with a model file before native code sees it: llama.cpp aborts the process
 * on some damaged files, and its messages go to a log.
 *
 * @param path of the file, or of any part of a model that is split
 * @param isArchitectureSupported of the llama.cpp that will load it
 */
export function checkModel(path: string, isArchitectureSupported: (name: string) => boolean): ModelCheck {
  const problem = (code: ModelProblem["code"], message: string): ModelCheck => ({
    ok: false,
    problem: { code, message },
  });
  try {
    if (!statSync(filesOf(path).find((file) => existsSync(file)) ?? path).isFile()) {
      return problem("model-unreadable", `${path} is not a file. Choose a GGUF model file.`);
    }
    const header = readModel(path);
    const architecture = header.metadata.get("general.architecture");
    if (typeof architecture !== "string" || header.tensors.length === 0) {
      return problem("model-unsupported", `${path} holds no model. Choose a GGUF file of a language model.`);
    }
    if (!isArchitectureSupported(architecture)) {
      const message = `${path} has the architecture "${architecture}", which the bundled llama.cpp does not know. Choose another model.`;
      return problem("model-unsupported", message);
    }
    if (!writesText(header, architecture)) {
      const message = `${path} does not write text token by token: it is for embeddings, or another purpose. Choose a language model.`;
      return problem("model-unsupported", message);
    }
    const tokenizer = header.metadata.get("tokenizer.ggml.model");
    if (typeof tokenizer !== "string" || tokenizer === "no_vocab" || tokenizer === "none") {
      return problem(
        "model-unsupported",
        `${path} holds no tokenizer. Choose a GGUF file of a language model.`,
      );
    }
    return { ok: true, header };
  } catch (error) {
    if (error instanceof GgufError) {
      if (error.kind === "part") {
        return problem("model-unreadable", `${path} ${error.message}.`);
      }
      const advice = error.kind === "not-gguf" ? "Choose a GGUF model file" : "Download the model again";
      return problem("model-unreadable", `${path} ${error.message}. ${advice}.`);
    }
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      return problem("model-missing", `There is no model at ${path}. Check the path.`);
    }
    if (code === "EACCES" || code === "EPERM") {
      return problem("model-unreadable", `${path} may not be read. Check the file's permissions.`);
    }
    return problem("model-unreadable", `${path} cannot be read (${code ?? String(error)}).`);
  }
}

const SAMPLES = 16;
const SAMPLE_BYTES = 4096;

/**
 * Identifies a model's contents without reading gigabytes: a hash over the file's size, its header and samples spread
 * over its weights. A mask is only valid for the model whose fingerprint it carries.
 */
export function fingerprint(
  path: string,
  header: GgufHeader & { readonly parts?: readonly ModelPart[] },
): string {
  const hash = createHash("sha256").update(String(header.fileBytes));
  for (const { name, type, dimensions } of header.tensors) {
    hash.update(`${name} ${type.name} ${dimensions.join("x")}\n`);
  }
  for (const part of header.parts ?? [{ path, header }]) {
    for (const sample of samples(part)) {
      hash.update(sample);
    }
  }
  return hash.digest("hex").slice(0, 32);
}

/** Bytes spread over a file's weights; each is valid until the next one. */
function* samples({ path, header }: ModelPart): Generator<Uint8Array> {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(SAMPLE_BYTES);
    for (let i = 0; i < SAMPLES; i++) {
      const share = i / (SAMPLES - 1);
      const span = Math.max(0, header.fileBytes - header.dataOffset - SAMPLE_BYTES);
      const read = readSync(file, buffer, 0, SAMPLE_BYTES, header.dataOffset + Math.floor(share * span));
      yield buffer.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
}
