/**
 * Step 6: the exported F16 file in llama.cpp against PyTorch, and llama.cpp's tokens against SentencePiece's.
 *
 *   python3 training/reference_logits.py media/model/MODEL.F16.gguf && node training/check_logits.mjs
 *
 * Writes training/results/check.json. Fails when the root mean square of the difference exceeds 1e-3 of the logits' own, or when any token differs.
 */
import fs from "node:fs";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {getLlama} from "node-llama-cpp";

const here = path.dirname(fileURLToPath(import.meta.url));
const TOLERANCE = 1e-3;
const reference = JSON.parse(fs.readFileSync(path.join(here, ".work", "reference.json"), "utf8"));

const llama = await getLlama({gpu: false, build: "never", logLevel: "error", maxThreads: 1});
const model = await llama.loadModel({modelPath: path.resolve(reference.model), gpuLayers: 0});
const context = await model.createContext({
  contextSize: 512,
  threads: 1,
  flashAttention: false,
  experimentalKvCacheKeyType: "F32", // the default F16 cache rounds on its own account
  experimentalKvCacheValueType: "F32"
});
const sequence = context.getSequence();

let different = 0;
for (const {text, tokens} of reference.encoded) {
  const own = model.tokenize(text, false);
  if (own.length !== tokens.length || own.some((token, index) => token !== tokens[index])) different++;
  if (model.detokenize(own) !== text) different++;
}
console.log(`tokens: ${different} of ${reference.encoded.length} texts differ from SentencePiece or do not survive a round trip`);

let worstRelative = 0;
let worstAbsolute = 0;
for (const {tokens, logits} of reference.cases) {
  await sequence.clearHistory();
  const results = await sequence.controlledEvaluate(
    tokens.map((token, index) => (index in logits ? [token, {generateNext: {logits: true, options: {temperature: 0}}}] : token))
  );
  for (const [position, wanted] of Object.entries(logits)) {
    const actual = results[position].next.logits;
    let difference = 0;
    let size = 0;
    wanted.forEach((value, token) => {
      difference += (actual.get(token) - value) ** 2;
      size += value ** 2;
      worstAbsolute = Math.max(worstAbsolute, Math.abs(actual.get(token) - value));
    });
    worstRelative = Math.max(worstRelative, Math.sqrt(difference / size));
  }
}
console.log(`logits: relative difference ${worstRelative.toExponential(2)}, largest absolute ${worstAbsolute.toExponential(2)}`);
fs.writeFileSync(
  path.join(here, "results", "check.json"),
  JSON.stringify(
    {
      model: path.basename(reference.model),
      relative: worstRelative,
      absolute: worstAbsolute,
      texts: reference.encoded.length,
      differentTexts: different
    },
    undefined,
    2
  ) + "\n"
);
process.exit(different === 0 && worstRelative <= TOLERANCE ? 0 : 1);
