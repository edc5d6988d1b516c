import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { findings } from "../../../scripts/support/sanitizers.mjs";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

describe("this run is sanitized", function () {
  this.timeout(60_000);

  it("with instrumented libraries of ours, and none of the installed ones", async () => {
    const llama = await getLlama({
      gpu: false,
      build: "never",
      skipDownload: true,
      logLevel: LlamaLogLevel.error,
    });
    const loaded = new Set(readFileSync("/proc/self/maps", "utf8").match(/\/\S+\.(so|node)\b/g));
    const { LACUNA_SANITIZED_BINS: sanitized, LACUNA_INSTALLED_BINS: installed } = process.env;
    const ours = [...loaded].filter((file) => /llama|ggml/.test(path.basename(file)));
    assert.deepEqual(
      ours.filter((file) => file.startsWith(`${installed}/`)),
      [],
    );
    for (const name of ["llama-addon.node", "libllama", "libggml-cpu", "libggml-base"]) {
      const file = ours.find((each) => path.basename(each).startsWith(name));
      assert.ok(file?.startsWith(`${sanitized}/`), `${name}: ${file}`);
      const content = readFileSync(file, "latin1");
      for (const symbol of ["__asan_report_load4", "__ubsan_handle_pointer_overflow"])
        assert.ok(content.includes(symbol), `${name} calls ${symbol}`);
    }
    await llama.dispose();
  });

  describe("and stops at", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "lacuna-canary-"));
    const withoutLog = process.env.UBSAN_OPTIONS?.replace(/log_path=[^:]*:/, "");
    const library = path.join(folder, "canary.so");
    before(() => {
      const flags = ["-fsanitize=address,undefined", "-shared", "-fPIC", "-g", "-O0"];
      execFileSync(process.env.CC ?? "cc", [...flags, "native/test/sanitize/canary.c", "-o", library], {
        env: { ...process.env, LD_PRELOAD: "" },
      });
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    for (const [kind, report] of [
      ["heap", /AddressSanitizer: heap-buffer-overflow/],
      ["freed", /AddressSanitizer: heap-use-after-free/],
      ["overflow", /runtime error: signed integer overflow/],
    ])
      it(`an error of the kind "${kind}"`, () => {
        const load = `process.dlopen({ exports: {} }, ${JSON.stringify(library)}); console.log("went on")`;
        const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", load], {
          encoding: "utf8",
          // Without the file for reports of this run.
          env: { ...process.env, CANARY: kind, ASAN_OPTIONS: "detect_leaks=0", UBSAN_OPTIONS: withoutLog },
        });
        assert.match(stderr, report);
        assert.match(stderr, /canary\.c:/);
        assert.doesNotMatch(stdout, /went on/);
        assert.notEqual(status, 0);
      });

    it("a leak, and knows whose it is", () => {
      const env = {
        ...process.env,
        CANARY: "leak",
        ASAN_OPTIONS: process.env.ASAN_OPTIONS.replace("detect_leaks=0", "detect_leaks=1").replace(
          /log_path=[^:]*:/,
          "",
        ),
      };
      const load = `process.dlopen({ exports: {} }, ${JSON.stringify(library)})`;
      const { stderr } = spawnSync(process.execPath, ["-e", load], { encoding: "utf8", env });
      const leaks = findings(stderr, folder);
      assert.equal(leaks.length, 1, stderr);
      assert.match(leaks[0], /^Direct leak of 12345 byte\(s\) in 1 object/);
    });
  });
});
