import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { COMMAND_IDS, CONTEXT_KEYS } from "./commandIds";

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { command: string; title: string; category: string; enablement?: string }[];
    readonly keybindings: readonly { command: string; when: string }[];
    readonly walkthroughs: readonly {
      steps: readonly { description: string; media: { markdown: string } }[];
    }[];
  };
}
const root = new URL("../../", import.meta.url);
const { contributes } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as Manifest;

describe("package.json", () => {
  it("contributes every command, and no other", () => {
    assert.deepEqual(contributes.commands.map(({ command }) => command).sort(), [...COMMAND_IDS].sort());
  });
  it("puts them all under one category, with titles as menus want them", () => {
    for (const { category, title } of contributes.commands) {
      assert.equal(category, "Lacuna");
      assert.match(title, /^[A-Z]/);
    }
  });
  it("binds keys and walkthrough links to commands that exist", () => {
    const steps = contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);
    const linked = steps.flatMap(({ description }) =>
      [...description.matchAll(/command:(lacuna\.\w+)/g)].map((match) => match[1]!),
    );
    for (const command of [...linked, ...contributes.keybindings.map((key) => key.command)]) {
      assert.ok((COMMAND_IDS as readonly string[]).includes(command), command);
    }
    for (const { media } of steps) {
      assert.ok(readFileSync(new URL(media.markdown, root), "utf8").length > 50);
    }
  });
  it("depends on context keys that are set", () => {
    const used = contributes.commands.flatMap(
      ({ enablement = "" }) => enablement.match(/lacuna\.\w+/g) ?? [],
    );
    for (const key of used) {
      assert.ok((CONTEXT_KEYS as readonly string[]).includes(key), key);
    }
  });
});
