import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * Output of a short command, or undefined when it is missing or fails.
 * @param {string} command
 * @param {string[]} args
 */
export function outputOf(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * `env` without what git tells its hooks about their repository, which may be what started the build: with it, git would work on that
 * repository, its index first, wherever it is called. See `git rev-parse --local-env-vars`.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export const withoutRepository = (env) =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) =>
        !/^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|PREFIX|NAMESPACE|SHALLOW_FILE|GRAFT_FILE)$/.test(
          name,
        ),
    ),
  );

/**
 * Runs a command and passes its lines on, stdout and stderr together, as they come.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} [options]
 * @returns {Promise<{ code: number | null, signal: string | null, lines: string[] }>} all lines; a command that cannot be
 * started rejects
 */
export function run(command, args, { cwd, env, onLine } = {}) {
  return new Promise((resolve, reject) => {
    // A process group of its own: what the command has started has to stop with it.
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const lines = [];
    const readers = [child.stdout, child.stderr].map((stream) => createInterface({ input: stream }));
    for (const reader of readers)
      reader.on("line", (line) => {
        lines.push(line);
        onLine?.(line);
      });
    const stop = (signal) => process.kill(-child.pid, signal);
    process.on("SIGINT", stop).on("SIGTERM", stop);
    const settled = () => process.off("SIGINT", stop).off("SIGTERM", stop);
    child.on("error", (error) => {
      settled();
      reject(error);
    });
    child.on("close", (code, signal) => {
      settled();
      resolve({ code, signal, lines });
    });
  });
}
