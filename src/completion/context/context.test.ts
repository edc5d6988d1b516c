import assert from "node:assert/strict";
import { mayEnter, mayShow, type AdmissionRules, type FileFacts } from "./admission";
import { chunkAround, type Chunk } from "./chunk";
import { FrozenContexts } from "./frozen";
import { fit, rankChunks } from "./rank";
import { ContextRing } from "./ring";
import { jaccard, sameLines, wordsOf } from "./words";

const chunk = (path: string, text: string, source: Chunk["source"] = "opened"): Chunk => ({
  path,
  text,
  source,
});

describe("words", () => {
  it("are names of three letters and more", () => {
    assert.deepEqual([...wordsOf("const ab = größe($x1, $x1);")], ["const", "größe", "$x1"]);
  });
  it("are compared as sets", () => {
    assert.equal(jaccard(new Set(["aaa", "bbb"]), new Set(["bbb", "ccc"])), 1 / 3);
    assert.equal(jaccard(new Set(), new Set()), 0);
  });
  it("and lines without their indentation", () => assert.equal(sameLines("  a\n\nb", "a\nb\nc"), 2 / 3));
});

describe("chunkAround", () => {
  const text = Array.from({ length: 200 }, (_, i) => `line ${i}`).join("\n");
  it("takes lines on both sides", () => {
    const lines = chunkAround(text, 100).split("\n");
    assert.deepEqual([lines.length, lines[0], lines.at(-1)], [64, "line 68", "line 131"]);
  });
  it("stays within the text", () => {
    assert.equal(chunkAround(text, 0, 4), "line 0\nline 1\nline 2\nline 3");
    assert.equal(chunkAround(text, 199, 2), "line 198\nline 199");
    assert.equal(chunkAround("\n\na\n", 0), "a");
  });
});

describe("ContextRing", () => {
  const lines = (name: string, from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `${name}${from + i}`).join("\n");
  it("keeps the newest", () => {
    const ring = new ContextRing(2);
    ["a", "b", "c"].forEach((name) => ring.add(chunk(name, lines(name, 0, 9))));
    assert.deepEqual(
      ring.chunks.map(({ path }) => path),
      ["b", "c"],
    );
  });
  it("replaces what is nearly the same, and not what only overlaps", () => {
    const ring = new ContextRing();
    ring.add(chunk("a", lines("x", 0, 60)));
    ring.add(chunk("a", lines("x", 1, 61), "edited"));
    assert.deepEqual(
      ring.chunks.map(({ source }) => source),
      ["edited"],
    );
    ring.add(chunk("a", lines("x", 20, 80)));
    assert.equal(ring.chunks.length, 2);
  });
  it("takes nothing empty, and forgets what it is told to", () => {
    const ring = new ContextRing();
    ring.add(chunk("a", " \n"));
    ring.add(chunk("b", "text"));
    ring.forget((path) => path === "b");
    assert.deepEqual(ring.chunks, []);
  });
});

describe("rankChunks", () => {
  const request = {
    surroundings: "const total = inventory.countItems(shelf);",
    file: "here.ts",
    budget: 1_000,
  };
  it("shows a file once that has two names", () => {
    const text = Array.from({ length: 12 }, (_, i) => `shelf.countItems(inventory, ${i});`).join("\n");
    const named = (file: string, path: string, more = ""): Chunk => ({ ...chunk(path, text + more), file });
    const twice = [named("file:///a.ts", "a.ts"), named("file:///link/a.ts", "link/a.ts", "\nsaved();")];
    assert.equal(rankChunks({ ...request, budget: 2_000, chunks: twice }).length, 1);
  });
  it("puts what is most like the place last, and leaves out what is not like it", () => {
    const files = rankChunks({
      ...request,
      chunks: [
        chunk("like.ts", "class inventory { countItems(shelf) {} }"),
        chunk("some.ts", "const shelf = 1; let other, things, here, too;"),
        chunk("unlike.ts", "import nothing from everything;"),
      ],
    });
    assert.deepEqual(
      files.map(({ path }) => path),
      ["some.ts", "like.ts"],
    );
  });
  it("leaves out the file itself", () => {
    assert.deepEqual(rankChunks({ ...request, chunks: [chunk("here.ts", request.surroundings)] }), []);
  });
  it("prefers declarations", () => {
    const files = rankChunks({
      ...request,
      chunks: [
        chunk("a.ts", "countItems(a, b, inventory)"),
        chunk("b.ts", "countItems(shelf)", "declaration"),
      ],
    });
    assert.equal(files.at(-1)?.path, "b.ts");
  });
  it("knows files by what identifies them, not by their names", () => {
    const [own, other] = ["file:///one/app/index.ts", "file:///two/app/index.ts"];
    const piece = { ...chunk("app/index.ts", "countItems(shelf)"), file: own };
    assert.deepEqual(rankChunks({ ...request, file: own, chunks: [piece] }), []);
    assert.equal(rankChunks({ ...request, file: other, chunks: [piece] }).length, 1);
  });
  it("shows a file once, with its pieces one after the other", () => {
    const a = "export function countItems(shelf) {\n  return shelf.inventory;\n}";
    const b = "export function total(inventory) {\n  return inventory.sum;\n}";
    const files = rankChunks({
      ...request,
      chunks: [
        chunk("a.ts", a, "declaration"),
        chunk("a.ts", b, "declaration"),
        chunk("b.ts", "inventory + shelf"),
      ],
    });
    assert.deepEqual(
      files.map(({ path }) => path),
      ["b.ts", "a.ts"],
    );
    assert.ok(files[1]!.text.includes(a) && files[1]!.text.includes(b));
  });
  it("shows no line of a file twice, also when it has been changed meanwhile", () => {
    const lines = Array.from({ length: 12 }, (_, i) => `inventory.countItems(shelf, ${i});`);
    const [early, late] = [lines.slice(0, 8).join("\n"), lines.slice(4).join("\n")];
    const changed = lines.map((line, i) => (i === 3 ? "total();" : line)).join("\n");
    for (const again of [early, late, changed]) {
      const chunks = [chunk("a.ts", early, "edited"), chunk("a.ts", again, "sibling")];
      const [file, ...others] = rankChunks({ ...request, chunks });
      assert.deepEqual(others, []);
      assert.equal(new Set(file!.text.split("\n")).size, file!.text.split("\n").length);
    }
  });
  it("stays within the budget and gives no piece more than half of it", () => {
    const long = Array.from({ length: 50 }, (_, i) => `inventory.countItems(shelf) + ${i};`).join("\n");
    const files = rankChunks({
      ...request,
      budget: 400,
      chunks: [chunk("a.ts", long), chunk("b.ts", `// b\n${long}x`)],
    });
    assert.ok(files.length > 0);
    assert.ok(files.every(({ text }) => text.length <= 200));
    assert.ok(files.reduce((sum, { path, text }) => sum + path.length + text.length, 0) <= 400);
  });
  it("shows nothing twice, and nothing without a budget", () => {
    const twice = [chunk("a.ts", "countItems(shelf)"), chunk("b.ts", "countItems(shelf)")];
    assert.equal(rankChunks({ ...request, chunks: twice }).length, 1);
    assert.deepEqual(rankChunks({ ...request, chunks: twice, budget: 0 }), []);
  });
});

describe("fit", () => {
  it("takes the lines that have most in common with the place", () => {
    const text = `${"nothing here\n".repeat(20)}countItems(shelf)\n${"nothing there\n".repeat(20)}`;
    assert.match(fit(text, 60, wordsOf("countItems shelf")), /countItems/);
    assert.equal(fit("short", 60, new Set()), "short");
  });
});

describe("mayEnter", () => {
  const rules: AdmissionRules = {
    languages: { "*": true, markdown: false },
    exclude: ["**/dist/**"],
    secretFiles: ["**/vault/*"],
    workspaceTrusted: true,
  };
  const facts: FileFacts = { path: "/w/src/a.ts", scheme: "file", language: "typescript", size: 1_000 };
  const enters = (change: Partial<FileFacts>, other: Partial<AdmissionRules> = {}): boolean =>
    mayEnter({ ...facts, ...change }, { ...rules, ...other });
  it("lets an ordinary file in", () => assert.equal(enters({}), true));
  it("keeps secrets, excluded and foreign files out", () => {
    for (const path of ["/w/.env", "/w/id_rsa", "/w/vault/a.ts", "/w/dist/a.js", "/w/.npmrc"]) {
      assert.equal(enters({ path }), false, path);
    }
    assert.equal(enters({ scheme: "output" }), false);
    assert.equal(enters({ language: "markdown" }), false);
    assert.equal(enters({ size: 1_000_000 }), false);
    assert.equal(enters({}, { workspaceTrusted: false }), false);
  });
});

describe("mayShow", () => {
  it("keeps keys out, wherever they stand", () => {
    for (const secret of [
      "-----BEGIN RSA PRIVATE KEY-----",
      "-----END OPENSSH PRIVATE KEY-----",
      `aws = "AKIA${"A".repeat(16)}"`,
      `token = 'ghp_${"a".repeat(36)}'`,
      `key: sk-${"a".repeat(40)}`,
    ]) {
      assert.equal(mayShow(`const a = 1;\n${secret}\n`), false, secret);
    }
    assert.equal(mayShow("const name = 'caf\ufffd';"), false);
    assert.equal(mayShow("const risk = task; // sk-etch"), true);
  });
});

describe("FrozenContexts", () => {
  const files = [
    { path: "a", text: "1" },
    { path: "b", text: "2" },
  ];
  it("keeps the order of what says the same", () => {
    const contexts = new FrozenContexts();
    assert.equal(contexts.replace("x", { files, edits: "" }), true);
    assert.equal(contexts.replace("x", { files: [...files].reverse(), edits: "" }), false);
    assert.deepEqual(contexts.of("x").files, files);
  });
  it("takes what is new, for each document apart", () => {
    const contexts = new FrozenContexts();
    contexts.replace("x", { files, edits: "" });
    assert.equal(contexts.replace("x", { files: files.slice(1), edits: "" }), true);
    assert.deepEqual(contexts.of("x").files, files.slice(1));
    assert.deepEqual(contexts.of("y").files, []);
    assert.equal(contexts.replace("x", { files: files.slice(1), edits: "+a" }), true);
  });
  it("forgets the documents not used for longest", () => {
    const contexts = new FrozenContexts(1);
    contexts.replace("x", { files, edits: "" });
    contexts.replace("y", { files, edits: "" });
    assert.deepEqual([contexts.of("x").files.length, contexts.of("y").files.length], [0, 2]);
  });
});
