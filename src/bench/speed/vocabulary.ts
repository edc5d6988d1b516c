import type { GgufEntry } from "../../models/ggufWriter";

/** Token types of GGUF's tokenizer metadata. */
const NORMAL = 1;
const CONTROL = 3;

const SPECIALS = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|file_sep|>"];

/** A synthetic byte-level BPE vocabulary of `size` tokens in llama.cpp's metadata: bytes, made-up words, specials. */
export function vocabularyEntries(size: number): GgufEntry[] {
  const bytes = byteAlphabet();
  const words = size - bytes.length - SPECIALS.length;
  const tokens = [
    ...bytes,
    ...Array.from({ length: words }, (_, index) => `w${index.toString(36)}`),
    ...SPECIALS,
  ];
  const types = new Int32Array(size).fill(NORMAL).fill(CONTROL, size - SPECIALS.length);
  const end = size - SPECIALS.length;
  return [
    ["tokenizer.ggml.model", "string", "gpt2"],
    ["tokenizer.ggml.pre", "string", "qwen2"],
    ["tokenizer.ggml.tokens", "strings", tokens],
    ["tokenizer.ggml.token_type", "i32s", types],
    ["tokenizer.ggml.merges", "strings", [`${bytes["i".charCodeAt(0)]} ${bytes["n".charCodeAt(0)]}`]],
    ["tokenizer.ggml.eos_token_id", "u32", end],
    ["tokenizer.ggml.padding_token_id", "u32", end],
    ["tokenizer.ggml.add_bos_token", "bool", false],
  ];
}

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteAlphabet(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let spare = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : spare++));
}
