"""Write .work/reference.json: what PyTorch computes from the F16 file's own weights, for check_logits.mjs to compare with.

    python3 training/reference_logits.py media/model/MODEL.F16.gguf

For each text of the held-out sample: tokens and logits at a few positions, in two ways:
  F32   everything in float32; llama.cpp computes the same from .work/MODEL.F32.gguf, the same weights widened
  F16   what is multiplied with an F16 matrix is rounded to F16 first, as in ggml
The weights are read back from the GGUF file, so that names, shapes, the order of rotary rows and the rounding to F16 are all
part of the check. The F16 ways can agree only to F16's own rounding: a value that falls on the other side of a rounding
boundary differs by 1e-3 of itself, and layers multiply such differences.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from common import HERE, WORK
from export_gguf import export
from llama_cpp_source import import_gguf
from model import Config, Model, deinterleave
from tokenizer import Tokenizer

TEXTS, CHARACTERS, POSITIONS = 6, 600, (0, 1, 20, 100, -1)


def read_gguf(path: str) -> Model:
    """A model with the weights and sizes of a GGUF file written by export_gguf.py."""
    gguf = import_gguf()
    reader = gguf.GGUFReader(path)
    number = lambda key: reader.fields[key].parts[-1][0].item()
    weights = {tensor.name: torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy()) for tensor in reader.tensors}
    config = Config(
        n_embd=number("llama.embedding_length"), n_layer=number("llama.block_count"), n_head=number("llama.attention.head_count"),
        n_head_kv=number("llama.attention.head_count_kv"), n_ff=number("llama.feed_forward_length"),
        n_vocab=weights["token_embd.weight"].shape[0], n_ctx=number("llama.context_length"),
        rope_base=number("llama.rope.freq_base"), norm_eps=number("llama.attention.layer_norm_rms_epsilon"),
    )
    model, state = Model(config), {"embedding.weight": weights["token_embd.weight"], "norm.weight": weights["output_norm.weight"]}
    for index in range(config.n_layer):
        block, name = f"blocks.{index}.", f"blk.{index}."
        state |= {
            block + "attention_norm.weight": weights[name + "attn_norm.weight"],
            block + "attention.q.weight": deinterleave(weights[name + "attn_q.weight"], config.n_head),
            block + "attention.k.weight": deinterleave(weights[name + "attn_k.weight"], config.n_head_kv),
            block + "attention.v.weight": weights[name + "attn_v.weight"],
            block + "attention.out.weight": weights[name + "attn_output.weight"],
            block + "feed_forward_norm.weight": weights[name + "ffn_norm.weight"],
            block + "feed_forward.gate.weight": weights[name + "ffn_gate.weight"],
            block + "feed_forward.up.weight": weights[name + "ffn_up.weight"],
            block + "feed_forward.down.weight": weights[name + "ffn_down.weight"],
        }
    model.load_state_dict(state)
    return model.eval()


def round_to_f16(model: Model) -> None:
    """From now on, round the inputs of all matrix products with weights."""
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda _, inputs: tuple(x.half().float() for x in inputs))
    model.norm.register_forward_hook(lambda _, inputs, output: output.half().float())  # for the product with the embedding


def logits(model: Model, tokens: list[int]) -> dict[int, list[float]]:
    """Logits at POSITIONS."""
    with torch.no_grad():
        everywhere = model(torch.tensor([tokens]))[0]
    return {position: everywhere[position].tolist() for position in sorted({p % len(tokens) for p in POSITIONS if p < len(tokens)})}


def main() -> None:
    path = Path(sys.argv[1])
    model, tokenizer = read_gguf(str(path)), Tokenizer()
    files = json.loads((HERE / "heldout.json").read_text())["files"]
    texts = [(HERE / file["file"]).read_text()[:CHARACTERS] for file in files[:: len(files) // TEXTS][:TEXTS]]
    cases = [{"tokens": [tokenizer.processor.bos_id(), *tokenizer.encode(text)]} for text in texts]
    models = {"F32": str(export(model, "F32", WORK)), "F16": str(path.resolve())}
    for kind in models:
        if kind == "F16":
            round_to_f16(model)
        for case in cases:
            case[kind] = logits(model, case["tokens"])
    texts = [(HERE / file["file"]).read_text() for file in files]  # whole files, for the tokenizers
    texts += [
        f"x{lines}{indent}{star}y" for lines in ("\n", "\n\n", "\n\n\n", "\n\n\n\n") for star in ("", "* ")
        for indent in [" " * width for width in range(30)] + ["\t" * width for width in range(1, 9)]
    ]
    encoded = [{"text": text, "tokens": tokenizer.encode(text)} for text in texts]
    (WORK / "reference.json").write_text(json.dumps({"models": models, "cases": cases, "encoded": encoded}))
    print(f"{len(cases)} texts with logits, {len(encoded)} with tokens")


if __name__ == "__main__":
    main()
