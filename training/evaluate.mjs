/**
 * Step 7: measure models in llama.cpp on source files that training never saw.
 *
 *   node training/evaluate.mjs MODEL.gguf …            the whole held-out packages (needs step 1)
 *   node training/evaluate.mjs --sample MODEL.gguf …   the sample in training/heldout/
 *
 * Every model gets the same cases, small enough for a context of 512 tokens:
 *   bits per byte      windows of up to 900 characters of whole lines, each after <s>
 *   FIM, single line   the rest of a line from a random place in it, at temperature 0, between up to 650 characters before and
 *                      200 after; every other place follows a space or punctuation, as a typist pauses there; exact match and edit similarity (1 − Levenshtein / longer length) of that line,
 *                      with the last lines of the prefix after the middle token, as the extension prompts, and with the
 *                      cursor at the middle token, as llama.cpp's infill does
 * Writes training/results/evaluation.json and the same as a table, evaluation.md (evaluation-sample.*); models measured earlier on
 * the same cases stay there.
 */
import {createHash} from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {getLlama} from "node-llama-cpp";

const here = path.dirname(fileURLToPath(import.meta.url));
const LANGUAGES = ["TypeScript", "JavaScript", "Python"];
const WINDOWS = 100; // per language
const WINDOW_CHARACTERS = 900;
const FIM_CASES = 200; // per language
const PREFIX_CHARACTERS = 650;
const SUFFIX_CHARACTERS = 200;
const MAX_TOKENS = 64;
const CONTEXT = 512;
const AFTER_MIDDLE = 7; // lines: the cursor's and six above

/** Mulberry32: a small seeded generator, uniform in [0, 1). */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Held-out files as {package, path, language, text}. */
function readFiles(sample) {
  if (sample) {
    const index = JSON.parse(fs.readFileSync(path.join(here, "heldout.json"), "utf8"));
    return index.files.map((file) => ({...file, text: fs.readFileSync(path.join(here, file.file), "utf8")}));
  }
  return fs
    .readFileSync(path.join(here, ".work", "corpus.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line.includes('"split": "test"'))
    .map((line) => JSON.parse(line))
    .map((file) => ({...file, language: file.lang}));
}

/** A file drawn so that every package of the language counts alike. */
function draw(files, random) {
  const names = [...new Set(files.map((file) => file.package))].sort();
  const name = names[Math.floor(random() * names.length)];
  const own = files.filter((file) => file.package === name);
  return own[Math.floor(random() * own.length)];
}

function windows(files, random) {
  return Array.from({length: WINDOWS}, () => {
    const {text} = draw(files, random);
    const start = text.lastIndexOf("\n", Math.floor(random() * Math.max(1, text.length - WINDOW_CHARACTERS))) + 1;
    const end = text.lastIndexOf("\n", start + WINDOW_CHARACTERS);
    return text.slice(start, end > start ? end + 1 : start + WINDOW_CHARACTERS);
  });
}

function fimCases(files, random) {
  const cases = [];
  while (cases.length < FIM_CASES) {
    const {text} = draw(files, random);
    const at = Math.floor(random() * text.length);
    const start = text.lastIndexOf("\n", at - 1) + 1;
    const end = text.indexOf("\n", at);
    const middle = text.slice(at, end);
    // a cursor stands after some code or the indentation, and three characters at least are missing
    if (end < 0 || middle.trim().length < 3 || /^\s/.test(middle) || text.slice(start, end).trim().length < 8) continue;
    if (cases.length % 2 === 0 && /\w/.test(text[at - 1] ?? "a")) continue;
    const from = Math.max(0, start - PREFIX_CHARACTERS);
    cases.push({
      prefix: text.slice(from === 0 ? 0 : text.indexOf("\n", from) + 1, at),
      suffix: text.slice(end, end + SUFFIX_CHARACTERS),
      middle
    });
  }
  return cases;
}

/** Summed negative log2-likelihood of the window, in bits. */
async function bits(sequence, model, text) {
  const tokens = model.tokenize(text, false);
  await sequence.clearHistory();
  const input = [model.tokens.bos, ...tokens.slice(0, -1)].map((token, index) => [
    token,
    {generateNext: {logits: {filter: {tokens: [tokens[index]], includeTop: 1}}, totalLogitWeight: true, options: {temperature: 0}}}
  ]);
  const results = await sequence.controlledEvaluate(input);
  return results.reduce((sum, {next}, index) => {
    const largest = next.logits.values().next().value; // sorted, largest first
    return sum + (largest + Math.log(next.totalLogitWeight) - next.logits.get(tokens[index])) / Math.LN2;
  }, 0);
}

/** The model's line between prefix and suffix; the last `lines` lines of the prefix come after the middle token. */
async function fill(sequence, model, {prefix, suffix}, lines) {
  const infill = model.tokens.infill;
  const written = prefix.split("\n").slice(prefix.split("\n").length - lines).join("\n");
  const tokens = (text) => (text === "" ? [] : model.tokenize(text, false));
  const prompt = [
    model.tokens.bos,
    infill.prefix,
    ...tokens(prefix.slice(0, prefix.length - written.length)),
    infill.suffix,
    ...tokens(suffix),
    infill.middle,
    ...tokens(written)
  ];
  await sequence.clearHistory();
  const answer = [];
  // Together with the token before: alone, a first token loses its space.
  const text = () => model.detokenize([...prompt.slice(-1), ...answer]).slice(model.detokenize(prompt.slice(-1)).length);
  for await (const token of sequence.evaluate(prompt, {temperature: 0})) {
    answer.push(token);
    if (text().includes("\n") || answer.length >= MAX_TOKENS || prompt.length + answer.length >= CONTEXT - 1) break;
  }
  return text().split("\n", 1)[0];
}

function levenshtein(a, b) {
  let row = Array.from({length: b.length + 1}, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

const similarity = (a, b) => 1 - levenshtein(a, b) / Math.max(a.length, b.length, 1);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

async function evaluate(llama, file, cases) {
  const model = await llama.loadModel({modelPath: path.resolve(file), gpuLayers: 0});
  const context = await model.createContext({contextSize: CONTEXT, batchSize: CONTEXT, threads: 1}); // threads that wait for each other crawl on a busy machine
  const sequence = context.getSequence();
  const result = {model: path.basename(file, ".gguf"), bytes: fs.statSync(file).size, languages: {}};
  for (const language of LANGUAGES) {
    let sum = 0;
    let bytes = 0;
    let tokens = 0;
    for (const text of cases[language].windows) {
      sum += await bits(sequence, model, text);
      bytes += Buffer.byteLength(text);
      tokens += model.tokenize(text, false).length;
    }
    const fim = async (lines) => {
      const scores = [];
      for (const example of cases[language].fim) {
        const answer = (await fill(sequence, model, example, lines)).trimEnd();
        const wanted = example.middle.trimEnd();
        scores.push({exact: answer === wanted ? 1 : 0, similarity: similarity(answer, wanted), wanted, answer});
      }
      return scores;
    };
    const summary = (scores) => ({
      exactMatch: mean(scores.map((score) => score.exact)),
      editSimilarity: mean(scores.map((score) => score.similarity))
    });
    const scores = await fim(AFTER_MIDDLE);
    result.languages[language] = {
      bitsPerByte: sum / bytes,
      bytesPerToken: bytes / tokens,
      ...summary(scores),
      atMiddleToken: summary(await fim(0))
    };
    result.examples = [...(result.examples ?? []), ...scores.slice(0, 20).map(({wanted, answer}) => ({language, wanted, answer}))];
    console.log(result.model, language, result.languages[language]);
  }
  await context.dispose();
  await model.dispose();
  return result;
}

const sample = process.argv.includes("--sample");
const files = readFiles(sample);
const random = generator(6);
const cases = {};
for (const language of LANGUAGES) {
  const own = files.filter((file) => file.language === language);
  cases[language] = {windows: windows(own, random), fim: fimCases(own, random)};
}
const llama = await getLlama({gpu: false, build: "never", logLevel: "error", maxThreads: 1});
const results = [];
for (const file of process.argv.slice(2).filter((argument) => !argument.startsWith("--"))) {
  results.push(await evaluate(llama, file, cases));
}
/** One row per model and language. */
function table(rows) {
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const head = ["model", "size", "language", "bits/byte", "exact", "edit sim.", "exact, cursor at the middle token", "edit sim., there"];
  const lines = rows.flatMap(({model, bytes, languages}) =>
    LANGUAGES.map((language) => {
      const {bitsPerByte, exactMatch, editSimilarity, atMiddleToken} = languages[language];
      const numbers = [bitsPerByte.toFixed(3), percent(exactMatch), editSimilarity.toFixed(3)];
      return [model, `${(bytes / 1e6).toFixed(1)} MB`, language, ...numbers, percent(atMiddleToken.exactMatch), atMiddleToken.editSimilarity.toFixed(3)];
    })
  );
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n") + "\n";
}

const target = path.join(here, "results", sample ? "evaluation-sample.json" : "evaluation.json");
const earlier = fs.existsSync(target) ? JSON.parse(fs.readFileSync(target, "utf8")) : {};
const digest = createHash("sha256").update(JSON.stringify(cases)).digest("hex").slice(0, 16);
const kept = earlier.cases === digest ? earlier.results.filter(({model}) => !results.some((own) => own.model === model)) : [];
const output = {
  cases: digest, // changes with any case
  corpus: sample ? "sample" : "held-out packages",
  windowsPerLanguage: WINDOWS,
  fimCasesPerLanguage: FIM_CASES,
  packages: [...new Set(files.map((file) => file.package))].sort(),
  results: [...results, ...kept]
};
fs.mkdirSync(path.dirname(target), {recursive: true});
fs.writeFileSync(target.replace(/json$/, "md"), table(output.results));
fs.writeFileSync(target, JSON.stringify(output, undefined, 2) + "\n");
process.exit(0);
