import { execFile } from "node:child_process";
import path from "node:path";

/** Answers are kept for this long: people change .gitignore seldom, but they do. */
const KEEP_MS = 5 * 60_000;
const TIMEOUT_MS = 2_000;

/** Runs `git` in a folder with text on its standard input; resolves to what it writes, undefined when it cannot be run or fails. */
export type RunGit = (folder: string, args: readonly string[], input: string) => Promise<string | undefined>;

/** Which files git ignores, asked of git itself; a file outside of any repository is not ignored. */
export class GitIgnored {
  private readonly known = new Map<string, { readonly ignored: boolean; readonly at: number }>();

  constructor(
    private readonly git: RunGit = runGit,
    private readonly now: () => number = Date.now,
  ) {}

  /** Of `files`, absolute paths in the file system, those that git does not ignore. A repository that does not answer counts as ignoring. */
  async notIgnored(files: readonly string[]): Promise<Set<string>> {
    const asked = new Map<string, string[]>();
    for (const file of files) {
      const known = this.known.get(file);
      if (known === undefined || this.now() - known.at > KEEP_MS) {
        const folder = path.dirname(file);
        asked.set(folder, [...(asked.get(folder) ?? []), file]);
      }
    }
    await Promise.all([...asked].map(([folder, some]) => this.ask(folder, some)));
    return new Set(files.filter((file) => this.known.get(file)?.ignored === false));
  }

  private async ask(folder: string, files: readonly string[]): Promise<void> {
    // By name: a path through a link is beyond what git looks at.
    const output = await this.git(
      folder,
      ["check-ignore", "-z", "--stdin"],
      files.map((file) => `${nameOf(file)}\0`).join(""),
    );
    const ignored = output === undefined ? undefined : new Set(output.split("\0"));
    for (const file of files) {
      this.known.set(file, { ignored: ignored?.has(nameOf(file)) ?? true, at: this.now() });
    }
  }
}

/** As git takes it for a path and not for anything else. */
const nameOf = (file: string): string => `./${path.basename(file)}`;

function runGit(folder: string, args: readonly string[], input: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: "C" };
    const options = { cwd: folder, env, timeout: TIMEOUT_MS, maxBuffer: 1 << 20 };
    const child = execFile("git", [...args], options, (error, stdout, stderr) => {
      const code = error?.code;
      // 1: none of them is ignored. Without git or a repository, nothing is. Any other failure, as of a repository that git does not trust, tells nothing.
      const outside = code === "ENOENT" || (code === 128 && stderr.includes("not a git repository (or any"));
      resolve(error === null || code === 1 || outside ? stdout : undefined);
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
