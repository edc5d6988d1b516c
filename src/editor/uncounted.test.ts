import assert from "node:assert/strict";
import { uncountedSettings } from "./uncounted";

const RESTRICTED = ["lacuna.model", "lacuna.server"];
const FILE = `{
  // a comment
  "editor.tabSize": 2,
  "lacuna.model": "/m.gguf",
  "lacuna.sparsity": 0.5,
}`;

describe("settings that do not count in a window", () => {
  it("are all of a folder's where there is a workspace file", () =>
    assert.deepEqual(
      uncountedSettings(FILE, "web", "workspace-file", RESTRICTED),
      ["model", "sparsity"].map(
        (name) =>
          `Setting lacuna.${name} of web is ignored: this window takes the user's and those of its workspace file.`,
      ),
    ));
  it("are those that need trust where there is none, also in a workspace file", () => {
    const expected = ["Setting lacuna.model of web is ignored: the workspace is not trusted."];
    assert.deepEqual(uncountedSettings(FILE, "web", "untrusted", RESTRICTED), expected);
    const workspace = `{ "folders": [], "settings": ${FILE} }`;
    assert.deepEqual(uncountedSettings(workspace, "web", "untrusted", RESTRICTED), expected);
  });
  it("are none in a file that is empty, broken or none of settings", () => {
    for (const text of ["", "[]", "3", "{", '{ "lacuna', '{ "settings": null }']) {
      assert.deepEqual(uncountedSettings(text, "web", "workspace-file", RESTRICTED), []);
    }
  });
});
