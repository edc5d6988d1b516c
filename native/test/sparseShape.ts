import type { Shape } from "./models/model";

/** What tests compute with that need blocks of 256 values, and ask for nothing else. */
export const SHAPE: Shape = {
  arch: "llama",
  layers: 2,
  embedding: 256,
  ffn: 512,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  vocabulary: 300,
  tied: true,
  ffnBias: true,
};
