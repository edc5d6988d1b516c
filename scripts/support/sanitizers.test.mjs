import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { root } from "./bootstrap.mjs";
import { findings, sanitizedEnvironment } from "./sanitizers.mjs";

const folders = { sanitized: "/sanitized", installed: "/installed", reports: "/reports" };

describe("sanitizedEnvironment", () => {
  const run = { root, runtime: "/lib/libasan.so", ...folders };
  const env = sanitizedEnvironment(run, { HOME: "/root", NODE_OPTIONS: "--max-old-space-size=99" });

  it("stops at the first error of either kind", () => {
    assert.match(env.UBSAN_OPTIONS, /(^|:)halt_on_error=1(:|$)/);
    for (const options of [env.ASAN_OPTIONS, env.UBSAN_OPTIONS])
      assert.match(options, /(^|:)log_path='\/reports\/report':abort_on_error=1(:|$)/);
    assert.match(env.ASAN_OPTIONS, /(^|:)detect_leaks=1(:|$)/);
    assert.equal(env.LD_PRELOAD, "/lib/libasan.so");
  });
  it("keeps what was there and names only files that exist", () => {
    assert.equal(env.HOME, "/root");
    const [kept, redirect] = env.NODE_OPTIONS.split(" ");
    assert.equal(kept, "--max-old-space-size=99");
    assert.ok(existsSync(fileURLToPath(redirect.replace("--import=", ""))));
    for (const options of [env.LSAN_OPTIONS, env.UBSAN_OPTIONS])
      assert.ok(existsSync(/suppressions='([^']+)'/.exec(options)[1]));
  });
});

describe("findings", () => {
  const leak = (module, size) =>
    [
      `Direct leak of ${size} byte(s) in 1 object(s) allocated from:`,
      "    #0 /usr/lib/x86_64-linux-gnu/libasan.so.8 operator new(unsigned long) asan_new_delete.cpp:95",
      `    #1 ${module} make(int) a.cpp:1`,
      "    #2 /usr/bin/node node::Start(int, char**)",
      "",
    ].join("\n");
  it("are all errors", () => {
    const report =
      "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n    #0 /usr/bin/node f\n";
    assert.deepEqual(findings(report, "/sanitized"), [report]);
    const undefinedBehavior = "a.cpp:1:2: runtime error: signed integer overflow\n";
    assert.deepEqual(findings(undefinedBehavior, "/sanitized"), [undefinedBehavior]);
    assert.deepEqual(findings("\n", "/sanitized"), []);
  });
  it("are the leaks of our libraries, not those of Node", () => {
    const ours = leak("/sanitized/libllama.so", 7);
    const report = [
      "==1==ERROR: LeakSanitizer: detected memory leaks\n",
      leak("/usr/bin/node", 5),
      ours,
      leak("/usr/bin/node", 6),
      "SUMMARY: AddressSanitizer: 18 byte(s) leaked in 3 allocation(s).\n",
    ].join("\n");
    assert.deepEqual(
      findings(report, "/sanitized").map((text) => text.trim()),
      [ours.trim()],
    );
  });
});
