import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { parseCommand, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { CliError, UsageError } from "../../commandLine/errors";
import { findChoice } from "../../models/catalogue/catalogue";
import { wantedOf } from "../../models/catalogue/wanted";
import { Downloader, type Wanted } from "../../models/download/downloader";
import { DownloadError, size } from "../../models/download/errors";
import { progressText } from "../../models/download/progressText";
import { proxyFor } from "../../models/download/proxy";
import type { Progress } from "../../models/download/transfer";
import { folderOf, TO } from "./folder";

export const MODELS_GET: CommandSpec = {
  name: "models get",
  usage: "models get NAME[:QUANTISATION]|ADDRESS [--to DIR] [--sha256 HEX] [--mirror URL] [--json]",
  summary: "Fetches a model: one of `lacuna models list`, hf:user/model:Q4_K_M, or an address.",
  details:
    "Goes on where an earlier download stopped. A file gets its name only when its size and hash are right.\n" +
    "$HF_TOKEN opens gated models, $HF_ENDPOINT is a mirror of the hub, $HTTPS_PROXY a proxy.",
  options: {
    to: TO,
    sha256: { value: "HEX", help: "the hash that the file must have" },
    mirror: { value: "URL", help: "take hf: addresses from this mirror of the hub" },
  },
  examples: [
    "lacuna models get qwen2.5-coder-1.5b",
    "lacuna models get hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q4_K_M --to ~/models",
  ],
};

export async function modelsGet(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(MODELS_GET, words);
  const [name] = args.positionals;
  if (name === undefined || args.positionals.length !== 1) {
    throw new UsageError("Name one model or address. See `lacuna models get --help`.");
  }
  const sha256 = args.text("sha256")?.toLowerCase();
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new UsageError("--sha256 must be 64 hexadecimal digits.");
  }
  const request = { ...wanted(name), ...(sha256 === undefined ? {} : { sha256 }) };
  const { env } = process;
  const mirror = args.text("mirror");
  if (mirror?.trim() === "") {
    throw new UsageError("--mirror names no address.");
  }
  const options = {
    folder: folderOf(args),
    mirror: mirror ?? env.HF_ENDPOINT,
    token: env.HF_TOKEN,
    agent: (url: URL) => {
      const proxy = proxyFor(url, env);
      if (proxy === undefined) {
        return undefined;
      }
      return url.protocol === "https:" ? new HttpsProxyAgent(proxy) : new HttpProxyAgent(proxy);
    },
  };
  try {
    const done = await new Downloader(options).get(request, context.signal, (progress) =>
      show(name, progress, context),
    );
    context.progress.end();
    if (args.flag("json")) {
      context.output(`${JSON.stringify(done, undefined, 2)}\n`);
      return;
    }
    const checked = done.verified
      ? "its hash is right"
      : `nobody said which hash it should have; it is ${done.sha256}`;
    context.output(`${done.path}\n`);
    context.progress.note(
      `${done.again ? "Was there already" : "Fetched"}: ${size(done.bytes)}, ${checked}.`,
    );
  } catch (error) {
    throw error instanceof DownloadError ? new CliError(error.message) : error;
  }
}

/** A name of the catalogue, or an address. */
function wanted(name: string): Wanted {
  const choice = findChoice(name);
  if (choice === undefined && !/^(hf:|https?:)/i.test(name)) {
    throw new UsageError(`There is no model "${name}". See \`lacuna models list\`, or give an address.`);
  }
  return choice === undefined ? { address: name } : wantedOf(choice);
}

function show(name: string, progress: Progress, context: Context): void {
  const { phase, received, total, problem } = progress;
  if (problem !== undefined) {
    context.progress.note(`${problem} Trying again.`);
  }
  if (phase === "downloading" && total !== undefined) {
    context.progress.report(`Fetching ${name}`, received / total, `, ${progressText(progress)}`);
  }
}
