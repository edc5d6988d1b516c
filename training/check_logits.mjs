/**
 * Step 6: the exported weights in llama.cpp against PyTorch, and llama.cpp's tokens against SentencePiece's.
 *
 *   python3 training/reference_logits.py media/model/MODEL.F16.gguf && node training/check_logits.mjs
 *
 * Writes training/results/check.json. Fails when any token differs, or when the root mean square of the difference exceeds 1e-5
 * (the weights as F32) or 1e-3 (the F16 file itself) of the logits' own at any position.
 */
import fs from "node:fs";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {getLlama} from "node-llama-cpp";

const here = path.dirname(fileURLToPath(import.meta.url));
const TOLERANCE = {F32: 1e-5, F16: 1e-3};
const reference = JSON.parse(fs.readFileSync(path.join(here, ".work", "reference.json"), "utf8"));

const llama = await getLlama({gpu: false, build: "never", logLevel: "error", maxThreads: 1});

/** Largest relative and absolute difference of the logits in `kind`. */
async function difference(model, kind) {
  const context = await model.createContext({
    contextSize: 512,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: "F32", // the default F16 cache rounds on its own account
    experimentalKvCacheValueType: "F32"
  });
  const sequence = context.getSequence();
  const worst = {relative: 0, absolute: 0};
  for (const {tokens, [kind]: logits} of reference.cases) {
    await sequence.clearHistory();
    const results = await sequence.controlledEvaluate(
      tokens.map((token, index) => (index in logits ? [token, {generateNext: {logits: true, options: {temperature: 0}}}] : token))
    );
    for (const [position, wanted] of Object.entries(logits)) {
      const actual = results[position].next.logits;
      let squares = 0;
      let size = 0;
      wanted.forEach((value, token) => {
        squares += (actual.get(token) - value) ** 2;
        size += value ** 2;
        worst.absolute = Math.max(worst.absolute, Math.abs(actual.get(token) - value));
      });
      worst.relative = Math.max(worst.relative, Math.sqrt(squares / size));
    }
  }
  await context.dispose();
  return worst;
}

function differentTexts(model) {
  return reference.encoded.filter(({text, tokens}) => {
    const own = model.tokenize(text, false);
    return own.length !== tokens.length || own.some((token, index) => token !== tokens[index]) || model.detokenize(own) !== text;
  }).length;
}

const result = {model: path.basename(reference.models.F16), texts: reference.encoded.length, logits: {}};
for (const [kind, file] of Object.entries(reference.models)) {
  const model = await llama.loadModel({modelPath: path.resolve(file), gpuLayers: 0});
  if (kind === "F16") result.differentTexts = differentTexts(model);
  result.logits[kind] = await difference(model, kind);
  const {relative, absolute} = result.logits[kind];
  console.log(`logits, ${kind}: relative difference ${relative.toExponential(2)}, largest absolute ${absolute.toExponential(2)}`);
}
console.log(`tokens: ${result.differentTexts} of ${result.texts} texts differ from SentencePiece or do not survive a round trip`);
fs.writeFileSync(path.join(here, "results", "check.json"), JSON.stringify(result, undefined, 2) + "\n");
const agrees = Object.entries(result.logits).every(([kind, {relative}]) => relative <= TOLERANCE[kind]);
process.exit(agrees && result.differentTexts === 0 ? 0 : 1);
