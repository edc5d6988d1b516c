// npm run bench:estimates -- MODEL...: what `lacuna models list` expects of models of the catalogue on this machine, beside what they then do, dense and at
// `auto`: a token alone, without drafts, in the editor's context. Wants a quiet machine; ends with 1 where a figure is more than a quarter off.
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { script, Stop } from "./support/steps.mjs";

const OFF = 0.25;
const MAX_TOKENS = 48;
/** What every token reads is copied into large pages while nothing else is to do. */
const IDLE_MS = 10_000;
const FILES = ["ranking", "guard", "similarity"].map((name) => path.join(root, `src/sparsity/${name}.ts`));

/** Of the text round a place: what is measured is decoding, and reading a prompt takes longer. */
const [PREFIX_CHARS, SUFFIX_CHARS] = [1_200, 400];
/** Places in each file, at most. */
const PLACES = 6;

/** Places in files of ours, of which some make any model write more than a line. */
const holes = () =>
  FILES.flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const ends = [...text.matchAll(/\{\n/g)].map(({ index }) => index + 2);
    const step = Math.ceil(ends.length / PLACES);
    return ends
      .filter((_, i) => i % step === 0)
      .map((end) => ({
        ...{ path: file, language: "typescript" },
        prefix: text.slice(Math.max(0, end - PREFIX_CHARS), end),
        suffix: text.slice(end, end + SUFFIX_CHARS),
      }));
  });

async function measure(modelPath, { EngineClient, forkEngine, unwrap }) {
  const hostPath = path.join(root, "dist/engine-host.mjs");
  const client = new EngineClient({ spawn: (env) => forkEngine({ hostPath, env }), onLog: () => undefined });
  const seen = async () => {
    let tokens = 0;
    let ms = 0;
    for (const place of holes()) {
      const { decode } = unwrap(await client.complete({ ...place, maxTokens: MAX_TOKENS }));
      tokens += decode.tokens;
      ms += decode.ms;
    }
    if (tokens < MAX_TOKENS)
      throw new Stop(`${path.basename(modelPath)} writes too little to tell its speed.`);
    const { residentBytes } = unwrap(await client.stats());
    return { tokensPerSecond: (1000 * tokens) / ms, residentBytes };
  };
  try {
    const threads = Math.min(8, os.availableParallelism());
    unwrap(
      await client.load({
        modelPath,
        contextSize: 2_048,
        threads,
        gpu: false,
        evictAfterMs: 0,
        draftTokens: 0,
      }),
    );
    const place = holes().at(-1);
    unwrap(await client.complete({ ...place, maxTokens: 1 }));
    await setTimeout(IDLE_MS);
    const dense = await seen();
    const auto = { ...place, sparsity: "auto", metric: "wanda", windowTokens: 256, maxQualityLoss: 0.05 };
    const { why } = unwrap(await client.sparsify({ ...auto, faster: true, measure: false }));
    return { dense, auto: await seen(), why };
  } finally {
    client.dispose();
  }
}

/** What is TypeScript, once the packages are there. */
async function parts() {
  (await import("tsx/esm/api")).register();
  const from = (file) => import(pathToFileURL(path.join(root, "src", `${file}.ts`)).href);
  return {
    ...(await from("models/catalogue/catalogue")),
    ...(await from("models/catalogue/estimate")),
    ...(await from("models/catalogue/machine")),
    ...(await from("engine/client")),
  };
}

await script(async () => {
  const models = process.argv.slice(2);
  if (models.length === 0 || !models.every((file) => existsSync(file)))
    throw new Stop(
      "Name GGUF files that are called as in the catalogue, such as qwen2.5-coder-0.5b.gguf: npm run bench:estimates -- FILE...",
    );
  await bootstrap();
  const lacuna = await parts();
  const { estimate, findChoice, measureMachine } = lacuna;
  const machine = await measureMachine();
  process.stdout.write(`${machine.cores} cores, ${(machine.bandwidth / 1e9).toFixed(1)} GB/s\n`);
  let off = 0;
  for (const model of models) {
    const name = path.basename(model, ".gguf");
    const choice = findChoice(name);
    if (choice === undefined) throw new Stop(`The catalogue has no ${name}.`);
    const expected = estimate(choice.entry, choice.file, machine);
    const { dense, auto, why } = await measure(model, lacuna);
    const rows = [
      ["dense", expected.dense, dense],
      ["auto", expected, auto],
    ];
    for (const [how, guess, seen] of rows)
      for (const [what, unit] of [
        ["tokensPerSecond", 1],
        ["residentBytes", 1e6],
      ]) {
        const wrong = guess[what] / seen[what] - 1;
        if (Math.abs(wrong) > OFF) off++;
        const figures = [guess[what], seen[what]].map((value) => (value / unit).toFixed(1));
        process.stdout.write(
          `${name}, ${how}: ${what === "residentBytes" ? "MB" : "tokens/s"} expected ${figures[0]}, seen ${figures[1]} (${wrong > 0 ? "+" : ""}${(100 * wrong).toFixed(0)} %)\n`,
        );
      }
    if (why !== undefined) process.stdout.write(`${name}, auto: ${why}\n`);
  }
  return off === 0 ? 0 : 1;
});
