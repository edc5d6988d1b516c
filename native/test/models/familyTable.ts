import { FAMILIES, type Family } from "./families";

const joined = (parts: readonly (string | false | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== false).join(", ");

function ffnOf({ activation, gate }: Family): string {
  const name = { silu: { gated: "SwiGLU", plain: "SiLU" }, gelu: { gated: "GeGLU", plain: "GELU" } }[
    activation
  ];
  return gate === "none"
    ? `${name.plain}, no gate`
    : `${name.gated}${gate === "fused" ? ", gate and up in one tensor" : ""}`;
}

function normsOf({ norm, biases, postNorms, headNorms }: Family): string {
  return joined([
    norm === "rms" ? "RMS" : "LayerNorm",
    biases?.includes("norm") && "biases",
    postNorms && "also after attention and FFN",
    headNorms !== undefined && "of queries and keys",
  ]);
}

function attentionOf({ qkv, biases, rotated, pairs, unrotated, window, caps, ...family }: Family): string {
  return joined([
    qkv === "fused" && "queries, keys and values in one tensor",
    biases?.includes("qkv") && "biases",
    `RoPE of ${pairs === "neighbours" ? "neighbours" : "halves"}`,
    rotated !== undefined && "of a part of a head",
    unrotated !== undefined && `none in every ${unrotated}th layer`,
    family.shortFactors && "longrope",
    family.yarn !== undefined && "YaRN",
    window !== undefined && "sliding windows",
    caps?.attention !== undefined && "soft cap",
  ]);
}

function restOf({ parallel, scales, caps, biases }: Family): string {
  return joined([
    parallel && "attention and FFN side by side",
    scales?.embedding !== undefined && "scaled embedding",
    scales?.residual !== undefined && "scaled attention, residuals and logits",
    caps?.logits !== undefined && "soft cap of the logits",
    biases?.includes("output") && "bias of the logits",
  ]);
}

/** A row for every family that `families.test.ts` tries, with what its blocks are made of. */
export function familyTable(): string {
  const rows = Object.entries(FAMILIES).map(([name, family]: [string, Family]) => [
    `\`${family.architecture ?? name}\``,
    ffnOf(family),
    normsOf(family),
    attentionOf(family),
    restOf(family),
  ]);
  const all = [["family", "FFN", "norms", "attention", "besides"], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (cells: readonly string[], fill = " "): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, fill)).join(" | ")} |`;
  return [
    line(all[0]!),
    line(
      widths.map(() => ""),
      "-",
    ),
    ...rows.map((row) => line(row)),
  ].join("\n");
}
