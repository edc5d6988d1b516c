import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import { FAMILIES, type Family } from "./models/families";
import { compileProgram, programFolder, PROGRAM_ENV } from "./program";

/**
 * Of which llama.cpp makes no model out of plain metadata: they need lists of their own, or are no models of text. The table in
 * `lacuna-family.cpp` has no row for them.
 */
const NOT_MADE = [
  ...["clip", "gptj", "gemma4-assistant", "maple", "deepseek4", "rwkv6", "graniteswitch", "wavtokenizer-dec"],
  ...[
    "bailingmoe3",
    "dots3note",
    "hy_v4",
    "grovemoe",
    "apertus",
    "kimi-k3",
    "eagle3",
    "minimax-m3",
    "dflash",
  ],
];

const known = new Set(
  Object.entries(FAMILIES).map(([name, family]: [string, Family]) => family.architecture ?? name),
);

/** Every architecture that llama.cpp knows has exact gradients, which `families.test.ts` shows, or a reason that names what is not understood. */
describe("all architectures of llama.cpp", function () {
  this.timeout(240_000);
  const folder = programFolder();
  let program: string;

  before(() => {
    program = path.join(folder(), "support");
    compileProgram(program, ["native/test/architectures/support.cpp", "native/addon/lacuna-family.cpp"]);
  });

  /** Undefined: llama.cpp does not make such a model. Empty: it is supported. */
  function reasonFor(
    architecture: string,
    experts: number,
    ...metadata: readonly string[]
  ): string | undefined {
    const { status, stdout } = spawnSync(program, [architecture, String(experts), ...metadata], {
      encoding: "utf8",
      env: PROGRAM_ENV,
    });
    return status === 0 ? stdout.trim() : undefined;
  }

  it("are supported with exact gradients, or refused with the name of what is not understood", () => {
    const names = execFileSync(program, { encoding: "utf8", env: PROGRAM_ENV }).trim().split("\n");
    assert.ok(names.length > 130 && [...known].every((name) => names.includes(name)));
    const notMade: string[] = [];
    const wrong: string[] = [];
    for (const name of names) {
      const reason = reasonFor(name, 0) ?? reasonFor(name, 4);
      if (reason === undefined) {
        notMade.push(name);
      } else if (known.has(name)) {
        // llama.cpp makes no queries for phi3 where it makes the tensors itself.
        const expected =
          name === "phi3"
            ? "runs dense: phi3 without the tensor blk.0.attn_q.weight is not supported yet"
            : "";
        wrong.push(...(reason === expected ? [] : [`${name}: ${reason}`]));
      } else {
        const is =
          reason === `runs dense: general.architecture ${name} is not supported yet` ||
          (/^runs dense: the tensor [\w.]+ of \S+ is not supported yet$/.test(reason) &&
            reason.includes(` of ${name} `));
        wrong.push(...(is ? [] : [`${name}: ${reason}`]));
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(notMade, NOT_MADE);
  });

  it("are refused where they have experts", () => {
    for (const name of ["llama", "granite", "deepseek", "qwen3moe"]) {
      assert.match(
        reasonFor(name, 4)!,
        new RegExp(`the tensor blk.[01].ffn_gate_inp.weight of ${name} is not`),
      );
    }
  });

  it("are refused where metadata ask for what is not understood", () => {
    for (const [name, value, said] of [
      ["gemma3", "rope.scaling.type=yarn", "gemma3.rope.scaling.type yarn"],
      ["mistral3", "attention.temperature_scale=0.5", "mistral3.attention.temperature_scale 0.500000"],
      ["qwen2", "attention.causal=false", "qwen2.attention.causal false"],
      ["qwen3", "attention.value_length=8", "qwen3.attention.value_length 8"],
      ["gemma3", "attention.key_length_swa=8", "gemma3.attention.key_length_swa 8"],
      ["gemma2", "rope.dimension_count_swa=8", "gemma2.rope.dimension_count_swa 8"],
    ] as const) {
      assert.equal(reasonFor(name, 0, value), `runs dense: ${said} is not supported yet`);
    }
  });
});
