import { spawn } from "node:child_process";

/** Ends a script with one line for the user, without a stack trace. */
export class Stop extends Error {}

/**
 * Runs a command in the foreground; its output is the user's.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, onOutput?: (text: string) => void }} options `onOutput` sees what is shown
 * @returns {Promise<number>} exit code; 130 after Ctrl-C
 */
export function execute(command, args, { cwd, env = process.env, onOutput }) {
  return new Promise((resolve, reject) => {
    const output = onOutput === undefined ? "inherit" : "pipe";
    const child = spawn(command, args, { cwd, env, stdio: ["inherit", output, output] });
    for (const [stream, target] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ])
      stream?.on("data", (chunk) => {
        target.write(chunk);
        onOutput(chunk.toString());
      });
    // The terminal sends Ctrl-C to the child too: wait for it to clean up.
    const wait = () => undefined;
    process.on("SIGINT", wait);
    child.on("error", (error) => {
      process.off("SIGINT", wait);
      reject(error);
    });
    child.on("close", (code, signal) => {
      process.off("SIGINT", wait);
      resolve(signal === null ? (code ?? 1) : 130);
    });
  });
}

/** Runs a script's main function with the exit code and the message that a user should see. */
export async function script(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
