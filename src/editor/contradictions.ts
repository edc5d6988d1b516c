import type { Settings } from "./settings";

/** Settings that speak of a server, and what they are where nobody has set them. */
const OF_SERVER = ["serverKind", "serverModel", "serverFim", "serverCertificates", "serverFallback"] as const;

/**
 * One sentence for each setting that another one keeps from doing what it says.
 * @param defaults what settings are where nobody has set them
 */
export function contradictions(settings: Settings, defaults: Settings): string[] {
  const { server, contextSize, window, maxTokens } = settings;
  const found: string[] = [];
  const idle = OF_SERVER.filter((name) => String(settings[name]) !== String(defaults[name]));
  if (server === "" && idle.length > 0) {
    const names = idle.map((name) => `lacuna.${name}`).join(", ");
    const [are, do_] = idle.length === 1 ? ["Setting", "does"] : ["Settings", "do"];
    found.push(`${are} ${names} ${do_} nothing as long as lacuna.server is empty.`);
  }
  if (server === "" && window >= contextSize) {
    found.push(
      `Setting lacuna.window (${window} tokens) does not fit into lacuna.contextSize (${contextSize}): fewer are looked at.`,
    );
  }
  if (server === "" && maxTokens > contextSize / 2) {
    found.push(
      `Setting lacuna.maxTokens (${maxTokens}) is more than half of lacuna.contextSize (${contextSize}): a completion ends after ${Math.floor(contextSize / 2)} tokens.`,
    );
  }
  return found;
}
