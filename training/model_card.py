"""Step 8: write media/model/README.md and the plot of the loss from what the other steps measured.

    python3 training/model_card.py --size large --shipped Q6_K

Reads results/<size>.csv, results/evaluation.json, results/check.json, .work/collected.json and the checkpoint; no number is typed by hand.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch

from common import COLLECTED, HERE, LANGUAGES, WORK, spdx
from export_gguf import OUTPUT, load_model, model_name

RESULTS = HERE / "results"


def plot(rows: list[dict], size: str, name: str) -> None:
    """Training and validation loss over tokens, as SVG."""
    tokens = [int(row["tokens"]) / 1e6 for row in rows]
    figure, axes = plt.subplots(figsize=(7, 4))
    trained = [(at, float(row["train_loss"])) for at, row in zip(tokens, rows) if row["train_loss"]]
    axes.plot(*zip(*trained), label="training (moving average)", linewidth=1)
    held_out = [(at, float(row["validation_loss"])) for at, row in zip(tokens, rows) if row["validation_loss"]]
    axes.plot(*zip(*held_out), "o-", label="validation packages", markersize=3)
    axes.set(xlabel="tokens (millions)", ylabel="loss (nats per token)", title=name)
    axes.grid(alpha=0.3)
    axes.legend()
    plt.rcParams["svg.hashsalt"] = name  # the same file for the same numbers
    figure.savefig(RESULTS / f"{size}.svg", metadata={"Date": None})


def last(rows: list[dict], key: str) -> float:
    """The last value there is; not every row has every one."""
    return float([row[key] for row in rows if row[key]][-1])


def mean(result: dict, key: str) -> float:
    """Mean over the languages."""
    return sum(result["languages"][language][key] for language in LANGUAGES) / len(LANGUAGES)


def comparison(own: dict, other: dict) -> str:
    """By how much the first model is better than the second, in a sentence."""
    bits, worse = mean(own, "bitsPerByte"), mean(other, "bitsPerByte")
    return (
        f"Mean over the languages, {own['model']} against {other['model']}: bits per byte {bits:.3f} against {worse:.3f} "
        f"({(1 - bits / worse):.1%} fewer), exact match {mean(own, 'exactMatch'):.1%} against {mean(other, 'exactMatch'):.1%}, "
        f"edit similarity {mean(own, 'editSimilarity'):.3f} against {mean(other, 'editSimilarity'):.3f} "
        f"({(mean(own, 'editSimilarity') / mean(other, 'editSimilarity') - 1):.0%} more)."
    )


def quantisation(shipped: dict, best: dict) -> str:
    """What the shipped type costs, in a sentence."""
    bits, own = mean(best, "bitsPerByte"), mean(shipped, "bitsPerByte")
    return (
        f"`{shipped['model']}.gguf` ({shipped['bytes'] / 1e6:.1f} MB) ships: {own / bits - 1:+.2%} bits per byte against {best['model'].rsplit('.', 1)[1]} "
        f"({best['bytes'] / 1e6:.1f} MB), exact match {mean(shipped, 'exactMatch'):.1%} against {mean(best, 'exactMatch'):.1%}, edit similarity "
        f"{mean(shipped, 'editSimilarity'):.3f} against {mean(best, 'editSimilarity'):.3f}."
    )


def packages_table(packages: list[dict]) -> list[str]:
    lines = ["| package | version | registry | licence | used for |", "|---|---|---|---|---|"]
    for package in packages:
        lines.append(f"| {package['name']} | {package['version']} | {package['registry']} | {package['licence']} | {package['split']} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="small")
    parser.add_argument("--folder", type=Path, default=OUTPUT)
    parser.add_argument("--shipped", default="Q8_0", help="type of the file that ships")
    parser.add_argument("--evaluation", type=Path, default=RESULTS / "evaluation.json")
    arguments = parser.parse_args()
    size = arguments.size
    model = load_model(WORK / f"{size}.pt")
    config, name = model.config, model_name(model)
    progress = torch.load(WORK / f"{size}.pt", map_location="cpu")["progress"]
    parameters = sum(weight.numel() for weight in model.parameters())
    feed_forward = 3 * config.n_layer * config.n_embd * config.n_ff
    with (RESULTS / f"{size}.csv").open() as file:
        rows = list(csv.DictReader(file))
    plot(rows, size, name)
    evaluation = json.loads(arguments.evaluation.read_text())
    check = json.loads((RESULTS / "check.json").read_text())
    own = [result for result in evaluation["results"] if result["model"].startswith(name)]
    others = [result for result in evaluation["results"] if not result["model"].startswith(name)]
    shipped = next(result for result in own if result["model"].endswith(f".{arguments.shipped}"))
    best = max(own, key=lambda result: result["bytes"])
    packages = json.loads(COLLECTED.read_text())
    splits = Counter(package["split"] for package in packages)
    licences = Counter(spdx(package["licence"]) for package in packages)
    again = progress.get("schedule_began", 0)
    schedules = f" in two schedules, the second from the weights that the first had after {again / 60:.0f} minutes" if again else ""
    lines = [
        f"# {name}", "",
        "<!-- written by training/model_card.py -->",
        "A small fill-in-the-middle code model for TypeScript, JavaScript and Python, trained from scratch by the recipe in `training/`. MIT licence.", "",
        f"Architecture `llama`: {parameters / 1e6:.2f} M parameters, n_embd {config.n_embd}, {config.n_layer} layers, n_ff {config.n_ff} (SwiGLU, "
        f"{feed_forward / parameters:.0%} of the parameters), {config.n_head} heads / {config.n_head_kv} KV heads, tied embeddings, byte-fallback BPE with "
        f"{config.n_vocab} pieces (a line break with its indentation is one token), context {config.n_ctx}.", "",
        quantisation(shipped, best) + " It loads in stock llama.cpp.", "",
        "## Prompt", "",
        "`<s><|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>`, parts tokenised apart; the answer ends with `</s>`. Optional context first: "
        "`<s><|file_sep|>other/path\\ncode<|file_sep|>this/path\\n<|fim_prefix|>…`. All of it stands in the GGUF metadata (`tokenizer.ggml.fim_*`).", "",
        "## How good it is", "",
        f"Packages that training never saw ({', '.join(evaluation['packages'])}), in llama.cpp by `training/evaluate.mjs`: bits per byte over "
        f"{evaluation['windowsPerLanguage']} windows per language, and {evaluation['fimCasesPerLanguage']} single-line FIM cases per language at "
        "temperature 0 (from a random place in a line to its end, every other place after a space or punctuation; exact match and edit similarity of the line), with the last lines of the prefix after the middle token, as the extension prompts, and with the cursor at the middle token. The cases fit a context of 512 tokens and are "
        "the same for every model.", "",
        arguments.evaluation.with_suffix(".md").read_text(),
        *[comparison(shipped, other) for other in others[:1]], "",
        f"Against PyTorch with the same weights, llama.cpp's logits differ by {check['logits']['F32']['relative']:.1e} of their root mean square in F32 and by "
        f"{check['logits']['F16']['relative']:.1e} in F16, where both round what they multiply, and its tokens in {check['differentTexts']} of {check['texts']} texts.", "",
        "It knows the habits of code better than its meaning: take its completions as the rest of an obvious line, not as an answer.", "",
        "## How it was trained", "",
        f"{progress['tokens'] / 1e6:.1f} M tokens in {progress['step']} steps, {progress['seconds'] / 60:.0f} minutes of wall-clock time{schedules}, on {progress['processor']} "
        f"(about {6 * parameters * progress['tokens'] / 1e15:.2f} PFLOP in matrix products); bfloat16, Muon for matrices, AdamW for the rest. "
        f"Half of the tokens are of FIM documents; half of their middles begin some lines above the hole. No document sees another one of its row. Final training loss {last(rows, 'train_loss'):.3f}, validation loss {last(rows, 'validation_loss'):.3f} nats per token.", "",
        f"![loss](../../training/results/{size}.svg)", "",
        "## Data", "",
        f"{len(packages)} packages of the npm registry and Debian that gave text ({sum(package['characters'] for package in packages) / 1e6:.0f} MB): {splits['train']} to train, {splits['validation']} to validate, {splits['test']} to test. Licences as "
        "declared by the packages: " + ", ".join(f"{licence} {count}" for licence, count in licences.most_common()) + ". Minified, generated and vendored files, files with "
        "keys or long constants, exact and near duplicates (MinHash, estimated Jaccard 0.7) are left out, and so is any training file that nearly equals a held-out one.", "",
        "<details><summary>All packages</summary>", "", *packages_table(packages), "", "</details>",
    ]
    (arguments.folder / "README.md").write_text("\n".join(lines) + "\n")
    print(f"wrote {arguments.folder / 'README.md'}")


if __name__ == "__main__":
    main()
