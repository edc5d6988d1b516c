import assert from "node:assert/strict";
import { isWritableScheme, whyNot, type DocumentFacts, type Rules, type Surroundings } from "./eligibility";
import { looksSecret } from "./secrets";

const facts: DocumentFacts = {
  path: "/home/me/src/a.ts",
  scheme: "file",
  language: "typescript",
  size: 1_000,
  readOnly: false,
  selectionActive: false,
  cursors: 1,
};
const around: Surroundings = {
  enabled: true,
  snoozedUntil: undefined,
  now: 0,
  workspaceTrusted: true,
  onBattery: false,
};
const rules: Rules = {
  languages: { "*": true, markdown: false },
  exclude: ["**/dist/**"],
  secretFiles: ["**/private/**"],
  maxFileSizeKB: 100,
  untrustedWorkspaces: "pause",
  pauseOnBattery: true,
};
const reason = (
  f: Partial<DocumentFacts>,
  a: Partial<Surroundings> = {},
  r: Partial<Rules> = {},
): string | undefined => whyNot({ ...facts, ...f }, { ...around, ...a }, { ...rules, ...r })?.reason;

describe("whyNot", () => {
  it("lets an ordinary file through", () => assert.equal(reason({}), undefined));
  it("knows every reason", () => {
    assert.equal(reason({}, { enabled: false }), "disabled");
    assert.equal(reason({}, { snoozedUntil: 1 }), "snoozed");
    assert.equal(reason({}, { workspaceTrusted: false }), "untrusted");
    assert.equal(reason({ selectionActive: true }, { onlyInvoked: true }), "editor");
    assert.equal(reason({ readOnly: true }, { onlyInvoked: true }), "read-only");
    assert.equal(reason({}, { onBattery: true }), "battery");
    assert.equal(reason({ scheme: "output" }), "scheme");
    assert.equal(reason({ language: "markdown" }), "language");
    assert.equal(reason({ path: "/w/.env" }), "secret");
    assert.equal(reason({ path: "/w/private/a.ts" }), "secret");
    assert.equal(reason({ path: "/w/dist/a.js" }), "excluded");
    assert.equal(reason({ size: 5 * 1024 * 1024 }), "size");
    assert.equal(reason({ readOnly: true }), "read-only");
    assert.equal(reason({ selectionActive: true }), "selection");
    assert.equal(reason({ cursors: 2 }), "cursors");
  });
  it("asks no file system for its name", () => {
    for (const scheme of ["vsls", "memfs", "sftp", "isfs", "vscode-userdata", "vscode-remote", "untitled"]) {
      assert.equal(reason({ scheme }), undefined, scheme);
    }
  });
  it("says what a document is that it leaves out", () => {
    const said = ["output", "git", "debug", "search-editor", "chatSessionInput", "vscode"].map(
      (scheme) => whyNot({ ...facts, scheme }, around, rules)!.text,
    );
    assert.equal(new Set(said).size, said.length);
  });
  it("takes for writable what has a file system that is, or needs none", () => {
    assert.equal(isWritableScheme("memfs", true), true);
    assert.equal(isWritableScheme("memfs", false), false);
    assert.equal(isWritableScheme("jdt", undefined), false);
    assert.equal(isWritableScheme("untitled", undefined), true);
    assert.equal(isWritableScheme("vscode-notebook-cell", undefined), true);
  });
  it("ends a snooze by itself", () => assert.equal(reason({}, { snoozedUntil: 5, now: 5 }), undefined));
  it("asks the settings about trust and battery", () => {
    assert.equal(reason({}, { workspaceTrusted: false }, { untrustedWorkspaces: "complete" }), undefined);
    assert.equal(reason({}, { onBattery: true }, { pauseOnBattery: false }), undefined);
  });
  it("takes an unnamed language for allowed unless * says otherwise", () => {
    assert.equal(reason({ language: "zig" }, {}, { languages: {} }), undefined);
    assert.equal(reason({ language: "zig" }, {}, { languages: { "*": false } }), "language");
    assert.equal(reason({ language: "zig" }, {}, { languages: { "*": false, zig: true } }), undefined);
  });
});

describe("looksSecret", () => {
  const secret = [
    ".env",
    "/w/.env.production",
    "/w/prod.env",
    "/home/u/.ssh/config",
    "/home/u/id_ed25519",
    "/w/server.pem",
    "/w/tls.KEY",
    "C:\\u\\.aws\\credentials",
    "/w/.npmrc",
    "/w/client_secrets.json",
    "/w/secrets.yaml",
    "/w/service-account-prod.json",
    "/w/prod.tfvars",
    "/w/.git-credentials",
  ];
  const harmless = [
    "/w/env.ts",
    "/w/.env.example",
    "/w/keyboard.ts",
    "/w/secretary.py",
    "/w/id_rsa.pub",
    "/w/src/credentialsForm.tsx",
  ];
  for (const path of secret) {
    it(`keeps off ${path}`, () => assert.equal(looksSecret(path), true));
  }
  for (const path of harmless) {
    it(`reads ${path}`, () => assert.equal(looksSecret(path), false));
  }
});
