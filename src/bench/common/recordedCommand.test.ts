import assert from "node:assert/strict";
import { recordedCommand } from "./recordedCommand";

describe("recordedCommand", () => {
  it("names no folder of this machine", () => {
    const words = [
      "bench",
      "latency",
      "--server",
      "/opt/x/llama-server",
      "--speed",
      "2",
      "--out=/home/me/out",
    ];
    assert.equal(
      recordedCommand(words, "/srv/lacuna"),
      "lacuna bench latency --server llama-server --speed 2 --out=out",
    );
  });

  it("names what is in the repository by its place there", () => {
    assert.equal(
      recordedCommand(
        ["--trace", "/srv/lacuna/a/b.json,c.json", "--model=/srv/lacuna/m.gguf"],
        "/srv/lacuna",
      ),
      "lacuna --trace a/b.json,c.json --model=m.gguf",
    );
  });
});
