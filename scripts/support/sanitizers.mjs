import path from "node:path";
import { pathToFileURL } from "node:url";

/** What a sanitized run is made of; the folder of its build is named after it. */
export const SANITIZERS = "address,undefined";

const options = (values) =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(":");

/**
 * Environment of a process tree in which every Node process loads the sanitized addon, stops at the first error, and writes what it
 * found into a file of its own.
 * @param {{ root: string, runtime: string, sanitized: string, installed: string, reports: string }} run `runtime`: libasan.so, which
 * has to be in the process before the addon; `sanitized`, `installed`: folders of the binaries; `reports`: folder
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function sanitizedEnvironment({ root, runtime, sanitized, installed, reports }, env) {
  const support = path.join(root, "native/test/sanitize");
  const redirect = `--import=${pathToFileURL(path.join(support, "redirect.mjs"))}`;
  // Options end at spaces, too.
  const quoted = (file) => `'${file}'`;
  const suppressions = (name) => quoted(path.join(support, `${name}.supp`));
  const log = { log_path: quoted(path.join(reports, "report")), abort_on_error: 1 };
  return {
    ...env,
    LD_PRELOAD: runtime,
    NODE_OPTIONS: [env["NODE_OPTIONS"], redirect].filter(Boolean).join(" "),
    LACUNA_SANITIZED_BINS: sanitized,
    LACUNA_INSTALLED_BINS: installed,
    ASAN_OPTIONS: options({
      ...log,
      detect_leaks: 1,
      // Leaks do not decide about the exit code: most are V8's (see `findings`). Errors abort.
      exitcode: 0,
      detect_stack_use_after_return: 1,
      check_initialization_order: 1,
      strict_string_checks: 1,
      // As without a sanitizer: new throws, and that is reported as an error.
      allocator_may_return_null: 1,
      stack_trace_format: "'    #%n %m %F %L'",
    }),
    LSAN_OPTIONS: options({ suppressions: suppressions("leaks"), print_suppressions: 0 }),
    UBSAN_OPTIONS: options({
      ...log,
      halt_on_error: 1,
      print_stacktrace: 1,
      suppressions: suppressions("undefined"),
    }),
  };
}

// Of these every allocation passes some.
const runtimes = /\/lib(asan|ubsan|stdc\+\+|gcc_s|c|m)\.so[^/ ]*$/;

/**
 * What of a report concerns us: every error, and those leaks whose memory was asked for by a library in `sanitized`. V8 does not
 * free its heap when Node ends.
 * @param {string} report text of one file
 * @param {string} sanitized folder of the binaries
 * @returns {string[]}
 */
export function findings(report, sanitized) {
  if (!report.includes("ERROR: LeakSanitizer")) return report.trim() === "" ? [] : [report];
  return report
    .split(/\n(?=(?:Direct|Indirect) leak of )/)
    .slice(1)
    .filter((leak) => {
      const modules = [...leak.matchAll(/^ *#\d+ (\S+) /gm)].map((match) => match[1]);
      return modules.find((module) => !runtimes.test(module))?.startsWith(`${sanitized}/`);
    })
    .map((leak) => leak.replace(/\nSUMMARY: [^]*$/, ""));
}
