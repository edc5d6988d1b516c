"""Step 5: write the trained weights as lacuna-<millions>m.<type>.gguf, by default in F16 and Q8_0.

    python3 training/export_gguf.py --size large [--types F16 Q8_0 Q6_K Q5_K] [--folder training/.work]

The vocabulary is SentencePiece's (`llama` in GGUF); the FIM tokens and the file separator stand in the metadata under the
names that llama.cpp's infill reads. gguf-py comes from $LLAMA_CPP or from the bundle inside node-llama-cpp.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import sentencepiece
import torch

from common import HERE, TOKENIZER, WORK
from llama_cpp_source import import_gguf
from model import SIZES, Config, Model, interleave
from quantize import quantize
from tokenizer import FILE_SEPARATOR, FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX, INDENTS, SPECIALS

gguf = import_gguf()
OUTPUT = HERE.parent / "media" / "model"
FILE_TYPES = {
    "F32": gguf.LlamaFileType.ALL_F32, "F16": gguf.LlamaFileType.MOSTLY_F16, "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "Q6_K": gguf.LlamaFileType.MOSTLY_Q6_K, "Q5_K": gguf.LlamaFileType.MOSTLY_Q5_K_S, "Q4_K": gguf.LlamaFileType.MOSTLY_Q4_K_S,
}


def load_model(checkpoint: Path) -> Model:
    """The model of a checkpoint that assemble.py joined."""
    state = torch.load(checkpoint, map_location="cpu")
    model = Model(Config(**state["config"]))
    model.load_state_dict(state["model"])
    return model.eval()


def model_name(model: Model) -> str:
    """lacuna-9m and the like, by the number of parameters in millions."""
    return f"lacuna-{round(sum(weight.numel() for weight in model.parameters()) / 1e6)}m"


def tensors(model: Model) -> dict[str, torch.Tensor]:
    """GGUF names and weights; q and k with the rows where ggml's rotary pairs expect them."""
    config = model.config
    named = {"token_embd.weight": model.embedding.weight, "output_norm.weight": model.norm.weight}
    for index, block in enumerate(model.blocks):
        named |= {
            f"blk.{index}.attn_norm.weight": block.attention_norm.weight,
            f"blk.{index}.attn_q.weight": interleave(block.attention.q.weight, config.n_head),
            f"blk.{index}.attn_k.weight": interleave(block.attention.k.weight, config.n_head_kv),
            f"blk.{index}.attn_v.weight": block.attention.v.weight,
            f"blk.{index}.attn_output.weight": block.attention.out.weight,
            f"blk.{index}.ffn_norm.weight": block.feed_forward_norm.weight,
            f"blk.{index}.ffn_gate.weight": block.feed_forward.gate.weight,
            f"blk.{index}.ffn_up.weight": block.feed_forward.up.weight,
            f"blk.{index}.ffn_down.weight": block.feed_forward.down.weight,
        }
    return {name: weight.detach().float().contiguous() for name, weight in named.items()}


def add_vocabulary(writer) -> None:
    """Pieces, scores and kinds. User-defined pieces are matched in raw text, so their spaces are spaces, not SentencePiece's '▁'."""
    tokenizer = sentencepiece.SentencePieceProcessor(str(TOKENIZER))
    own, kinds = {indent.replace(" ", "▁") for indent in INDENTS}, gguf.TokenType
    pieces, scores, types = [], [], []
    for index in range(tokenizer.get_piece_size()):
        piece, kind = tokenizer.id_to_piece(index), kinds.NORMAL
        if tokenizer.is_unknown(index):
            kind = kinds.UNKNOWN
        elif tokenizer.is_control(index) or piece in SPECIALS:
            kind = kinds.CONTROL
        elif tokenizer.is_byte(index):
            kind = kinds.BYTE
        elif piece in own:
            piece, kind = piece.replace("▁", " "), kinds.USER_DEFINED
        pieces.append(piece.encode())
        scores.append(tokenizer.get_score(index))
        types.append(kind)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(tokenizer.bos_id())
    writer.add_eos_token_id(tokenizer.eos_id())
    writer.add_unk_token_id(tokenizer.unk_id())
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    for key, piece in (("pre", FIM_PREFIX), ("suf", FIM_SUFFIX), ("mid", FIM_MIDDLE), ("sep", FILE_SEPARATOR)):
        writer.add_uint32(f"tokenizer.ggml.fim_{key}_token_id", tokenizer.piece_to_id(piece))


def export(model: Model, kind: str, folder: Path) -> Path:
    """Write one GGUF file; matrices in the given type, norms in F32."""
    config, name, type_ = model.config, model_name(model), gguf.GGMLQuantizationType[kind]
    path = folder / f"{name}.{kind}.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(name)
    writer.add_description("Fill-in-the-middle code model for TypeScript, JavaScript and Python; trained from scratch by training/")
    writer.add_license("MIT")
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_vocab_size(config.n_vocab)
    writer.add_context_length(config.n_ctx)
    writer.add_embedding_length(config.n_embd)
    writer.add_block_count(config.n_layer)
    writer.add_feed_forward_length(config.n_ff)
    writer.add_head_count(config.n_head)
    writer.add_head_count_kv(config.n_head_kv)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_freq_base(config.rope_base)
    writer.add_rope_dimension_count(config.head_dim)
    add_vocabulary(writer)
    for tensor_name, weight in tensors(model).items():
        array = weight.numpy()
        if array.ndim == 2:
            data = quantize(array, type_, *gguf.GGML_QUANT_SIZES[type_]) if kind.endswith("_K") else gguf.quants.quantize(array, type_)
            writer.add_tensor(tensor_name, data, raw_dtype=type_)
        else:
            writer.add_tensor(tensor_name, array.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--folder", type=Path, default=OUTPUT)
    parser.add_argument("--types", nargs="+", choices=FILE_TYPES, default=("F16", "Q8_0"))
    arguments = parser.parse_args()
    model = load_model(WORK / f"{arguments.size}.pt")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for kind in arguments.types:
        path = export(model, kind, arguments.folder)
        print(f"{path} {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
