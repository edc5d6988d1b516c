import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const SOURCE = "native/.build/src/llama.cpp/ggml/src/ggml-cpu/amx/mmq.cpp";
const BARRIER = /^#if defined\(__GNUC__\)\n.*\n *__asm__ volatile.*\n#endif\n/m;

/** The configuration of AMX's tiles reaches memory (patch 0008), whatever the compiler makes of the intrinsic. */
describe("the configuration of AMX's tiles", function () {
  this.timeout(60_000);
  let folder: string;

  before(function () {
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-tiles-"));
    if (process.platform !== "linux" || process.arch !== "x64" || !existsSync(SOURCE)) {
      console.log(
        "    Not tested: needs Linux on x86-64 and the sources of the native build (npm run build:native).",
      );
      this.skip();
    }
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function run(code: string): ReturnType<typeof spawnSync> {
    writeFileSync(path.join(folder, "tile-config.inc"), code);
    const program = path.join(folder, "program");
    const env = { ...process.env, LD_PRELOAD: "" };
    const compiler = process.env.CXX ?? "c++";
    const flags = ["-std=c++17", "-O2", "-fno-tree-vectorize", "-w", "-I", folder];
    execFileSync(compiler, [...flags, "native/test/kernels/tileConfig.cpp", "-o", program], { env });
    return spawnSync(program, { encoding: "utf8", env });
  }

  it("is whole, and would not be without the patch", () => {
    const source = readFileSync(SOURCE, "utf8");
    const start = source.indexOf("struct tile_config_t");
    const code = source.slice(start, source.indexOf("\n}\n", source.indexOf("ggml_tile_config_init")) + 3);
    assert.match(code, BARRIER);
    const { status, stdout } = run(code);
    assert.equal(status, 0, String(stdout));
    // A test that cannot fail is worse than none.
    assert.equal(run(code.replace(BARRIER, "")).status, 1);
  });
});
