import type { GgufHeader } from "../models/gguf";

/** Bytes of a KV cache entry's numbers: F16. */
const ELEMENT_BYTES = 2;

/** Bytes that a token takes in the KV cache of a model, by its metadata; an upper bound where layers share or slide. */
export function kvBytesPerToken({ metadata }: GgufHeader): number {
  const architecture = metadata.get("general.architecture");
  const number = (key: string): number | undefined => {
    const value = metadata.get(`${typeof architecture === "string" ? architecture : ""}.${key}`);
    if (typeof value === "object") {
      return Math.max(0, ...Array.from(value.values, Number));
    }
    return value === undefined ? undefined : Number(value);
  };
  const heads = number("attention.head_count") ?? 1;
  if (heads === 0) {
    return 0; // recurrent: its state does not grow
  }
  const size = (number("embedding_length") ?? 0) / heads;
  const perHead = (number("attention.key_length") ?? size) + (number("attention.value_length") ?? size);
  return (
    (number("block_count") ?? 0) * (number("attention.head_count_kv") ?? heads) * perHead * ELEMENT_BYTES
  );
}
