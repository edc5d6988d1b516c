import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const KERNELS = "native/.build/src/llama.cpp/ggml/src/ggml-cuda";

describe("CUDA kernels of the second level", function () {
  this.timeout(240_000);

  it("compute what they should, run on a CPU with a thread for each of theirs", function () {
    if (!existsSync(path.join(KERNELS, "sparse-ffn-kernels.cuh"))) {
      console.log("    Not tested: the patched sources of llama.cpp are not here (npm run build:native).");
      this.skip();
    }
    const folder = mkdtempSync(path.join(tmpdir(), "lacuna-cuda-"));
    try {
      const program = path.join(folder, "kernels");
      const flags = ["-std=c++20", "-O1", "-pthread", "-I", KERNELS];
      // A sanitizer that is preloaded for the addon is not for the compiler, nor for this program.
      const env = { ...process.env, LD_PRELOAD: "" };
      execFileSync(process.env.CXX ?? "c++", [...flags, "native/test/cuda/kernels.cpp", "-o", program], {
        env,
      });
      const { status, stdout } = spawnSync(program, { encoding: "utf8", env });
      assert.equal(status, 0, stdout);
      assert.equal(stdout.match(/^ok: /gm)?.length, 7, stdout);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
