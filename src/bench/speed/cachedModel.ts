import { existsSync, readdirSync, renameSync, rmSync, statfsSync } from "node:fs";
import path from "node:path";
import { prepareDirectory } from "../../commandLine/atomicFiles";
import { cacheDirectory } from "../../commandLine/cacheDirectory";
import type { Context } from "../../commandLine/context";
import { CliError, describeFileError } from "../../commandLine/errors";
import { dataBytes, writeGguf, type GgufEntry } from "../../models/ggufWriter";
import { checkModel } from "../../models/modelCheck";
import { RandomWeights } from "./randomWeights";
import { FILE_TYPES, tensorsOf, type Quant, type Shape } from "./shapes";
import { vocabularyEntries } from "./vocabulary";

/** Raised when the contents of generated models change. */
const VERSION = 2;

/** Room for the header and for what else happens on the disk. */
const SPARE_BYTES = 256 * 2 ** 20;

/** The path of a model with random weights in this shape, made when the cache does not have it. */
export async function cachedModel(
  shape: Shape,
  quant: Quant,
  { progress, signal }: Context,
): Promise<string> {
  const directory = path.join(cacheDirectory(process.env), "models");
  const file = path.join(directory, `${shape.name}-random-v${VERSION}.${quant}.gguf`);
  if (existsSync(file) && checkModel(file, () => true).ok) {
    return file;
  }
  prepareDirectory(directory, "Set LACUNA_CACHE to a directory that can be written.");
  const tensors = tensorsOf(shape, quant);
  const needed = dataBytes(tensors) + SPARE_BYTES;
  const { bavail, bsize } = statfsSync(directory);
  if (bavail * bsize < needed) {
    const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
    throw new CliError(
      `The model needs ${gibibytes(needed)} GiB and ${directory} has ${gibibytes(bavail * bsize)} GiB left. ` +
        "Free some space or set LACUNA_CACHE to another directory.",
    );
  }
  const partial = `${file}.${process.pid}.partial`;
  try {
    removeAbandoned(directory);
    const weights = new RandomWeights(1);
    await writeGguf(
      partial,
      [...architectureEntries(shape, quant), ...vocabularyEntries(shape.vocabulary)],
      tensors,
      (tensor, bytes) => weights.fill(tensor, bytes),
      (fraction) => {
        progress.report(`Writing ${path.basename(file)}`, fraction);
      },
      signal,
    );
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    if ((error as NodeJS.ErrnoException).syscall !== undefined) {
      throw new CliError(`Cannot write ${file}: ${describeFileError(error)}.`);
    }
    throw error;
  }
  progress.end();
  return file;
}

/** Files that an earlier run was killed over. */
function removeAbandoned(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /\.(\d+)\.partial$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) {
      rmSync(path.join(directory, name), { force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function architectureEntries(shape: Shape, quant: Quant): GgufEntry[] {
  return [
    ["general.architecture", "string", "qwen2"],
    ["general.name", "string", `${shape.name}, random weights`],
    ["general.file_type", "u32", FILE_TYPES[quant]],
    ["qwen2.context_length", "u32", 32_768],
    ["qwen2.embedding_length", "u32", shape.embedding],
    ["qwen2.block_count", "u32", shape.layers],
    ["qwen2.feed_forward_length", "u32", shape.ffn],
    ["qwen2.attention.head_count", "u32", shape.heads],
    ["qwen2.attention.head_count_kv", "u32", shape.kvHeads],
    ["qwen2.attention.layer_norm_rms_epsilon", "f32", 1e-6],
    ["qwen2.rope.freq_base", "f32", 1_000_000],
  ];
}
