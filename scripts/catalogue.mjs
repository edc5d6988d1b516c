// npm run catalogue: fills sizes and hashes of src/models/catalogue/catalogue.json in from the hub's API ($HF_ENDPOINT, $HF_TOKEN). Needs a network.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { register } from "tsx/esm/api";
import { root } from "./support/bootstrap.mjs";

register();
const { refresh } = await import("../src/models/catalogue/refresh.ts");
const { Hub } = await import("../src/models/download/hub.ts");
const { Http } = await import("../src/models/download/http.ts");

const file = path.join(root, "src/models/catalogue/catalogue.json");
const before = JSON.parse(readFileSync(file, "utf8"));
const hub = new Hub({
  http: new Http({ stallMs: 30_000 }),
  mirror: process.env.HF_ENDPOINT,
  token: process.env.HF_TOKEN,
});
const { models, notes } = await refresh(before.models, hub, new AbortController().signal);
for (const note of notes) process.stdout.write(`${note}\n`);
const text = `${JSON.stringify({ ...before, models }, undefined, 2)}\n`;
const changed = text !== readFileSync(file, "utf8");
if (changed) writeFileSync(file, text);
process.stdout.write(`${path.relative(root, file)} ${changed ? "is written" : "is as it was"}.\n`);
