import path from "node:path";
import { readGguf } from "../src/models/gguf";

/** A small model for tests: quick, and small enough to be copied and damaged. The tests run from the project's root. */
export const modelPath = path.join(process.cwd(), "test/fixtures/model/lacuna-9m.Q8_0.gguf");

export interface ModelShape {
  readonly layers: number;
  /** Of each layer's FFN. */
  readonly neurons: number;
  readonly heads: number;
  /** Tokens. */
  readonly context: number;
  readonly parameters: number;
}

/** What the file's header says. */
export function modelShape(): ModelShape {
  const { metadata, tensors } = readGguf(modelPath);
  const of = (key: string): number => Number(metadata.get(`llama.${key}`));
  return {
    layers: of("block_count"),
    neurons: of("feed_forward_length"),
    heads: of("attention.head_count"),
    context: of("context_length"),
    parameters: tensors.reduce((sum, { dimensions }) => sum + dimensions.reduce((a, b) => a * b, 1), 0),
  };
}
