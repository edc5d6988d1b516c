import assert from "node:assert/strict";
import { parentsThatTell } from "./folderNames";

describe("parentsThatTell", () => {
  const folder = (path: string, name = path.split("/").at(-1)!) => ({ name, uri: { path } });

  it("tells folders of one name apart, by as little as does", () => {
    const all = [folder("/home/me/one/app"), folder("/home/me/two/app"), folder("/home/me/lib")];
    assert.deepEqual(
      all.map((one) => parentsThatTell(one, all)),
      ["one/", "two/", ""],
    );
    const deep = [folder("/a/x/src/app"), folder("/a/y/src/app")];
    assert.deepEqual(
      deep.map((one) => parentsThatTell(one, deep)),
      ["x/src/", "y/src/"],
    );
  });

  it("shows nothing of the path of a folder that has its name alone", () => {
    const all = [folder("/home/me/one/app"), folder("/home/me/two/app", "other")];
    assert.deepEqual(
      all.map((one) => parentsThatTell(one, all)),
      ["", ""],
    );
    assert.equal(parentsThatTell(all[0]!, []), "");
  });
});
