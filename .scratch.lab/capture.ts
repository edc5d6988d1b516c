import { readFileSync, writeFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { startLlama } from "/work/main/src/engine/llama";
import { Session } from "/work/main/src/engine/session";
import { captureHeadInputs } from "/work/main/src/engine/head";
import { HEAD_TEXTS } from "/work/main/src/engine/headText";
const [, , model, out, per = "100", perLang = "6"] = process.argv;
const llama = await startLlama({ gpu: false, threads: 2 }, () => undefined);
const session = await Session.load(llama, { modelPath: model!, contextSize: 1024, threads: 2, gpu: false }, () => undefined, undefined);
const t: any = session.tokenizer;
const files: { text: string; lang: string }[] = [];
const heldout = JSON.parse(readFileSync("/work/main/training/heldout.json", "utf8")).files;
for (const f of heldout) if (files.filter((x) => x.lang === f.language).length < Number(perLang)) files.push({ text: readFileSync("/work/main/training/" + f.file, "utf8"), lang: f.language });
const walk = (d: string): string[] => readdirSync(d).flatMap((n) => { const p = path.join(d, n); return statSync(p).isDirectory() ? walk(p) : [p]; });
for (const lang of ["C++", "Go", "Java", "Ruby", "Rust"]) for (const p of walk("/tmp/holes/" + lang).slice(0, Number(perLang))) files.push({ text: readFileSync(p, "utf8"), lang });
for (const p of ["/usr/include/stdio.h", "/usr/include/search.h", "/usr/include/linux/bpf.h"]) files.push({ text: readFileSync(p, "utf8"), lang: "C" });
console.error(files.length, JSON.stringify(t.fim));
const ctx = await session.model.createContext({ contextSize: 1024, batchSize: 512, sequences: 1, threads: 2, swaFullCache: true } as any);
const meta: any[] = []; const parts: Float32Array[] = [];
async function run(tokens: number[], outputs: number, lang: string) {
  parts.push(await captureHeadInputs(ctx, tokens, { position: 0, outputs }));
  meta.push({ lang, n: outputs });
}
const calib: Float32Array[] = [];
for (const text of HEAD_TEXTS) { const tokens = session.model.tokenize(text, false).slice(0, 256); calib.push(await captureHeadInputs(ctx, tokens, { position: 0, outputs: tokens.length - 8 })); }
writeFileSync(out + ".calib.f32", Buffer.concat(calib.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength))));
const fim = { prefix: t.special("<|fim_prefix|>"), suffix: t.special("<|fim_suffix|>"), middle: t.special("<|fim_middle|>") };
for (const { text, lang } of files) {
  const tokens = t.tokenize(text);
  const n = Number(per);
  if (tokens.length < 300 + n) continue;
  const at = Math.floor((tokens.length - n) * 0.4);
  const pre = tokens.slice(Math.max(0, at - 120), at), mid = tokens.slice(at, at + n), suf = tokens.slice(at + n, at + n + 40);
  await run([fim.prefix, ...pre, fim.suffix, ...suf, fim.middle, ...mid], n, lang);
  process.stderr.write(".");
}
writeFileSync(out + ".f32", Buffer.concat(parts.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength))));
writeFileSync(out + ".json", JSON.stringify(meta));
process.exit(0);
