import { parse } from "jsonc-parser";

/** Why settings of a file do not count: the window of a workspace file takes none of a folder's; one that is not trusted takes some from the user only. */
export type WhyUncounted = "workspace-file" | "untrusted";

/**
 * One sentence for each of Lacuna's settings that a file has and that do not count in its window.
 * @param text of a folder's settings, or of a workspace file
 * @param restricted full names of the settings that a workspace has to be trusted for
 */
export function uncountedSettings(
  text: string,
  folder: string,
  why: WhyUncounted,
  restricted: readonly string[],
): string[] {
  const file = asObject(parse(text));
  const names = Object.keys(asObject(file.settings ?? file)).filter(
    (name) => name.startsWith("lacuna.") && (why === "workspace-file" || restricted.includes(name)),
  );
  const because = {
    "workspace-file": "this window takes the user's and those of its workspace file",
    untrusted: "the workspace is not trusted",
  }[why];
  return names.map((name) => `Setting ${name} of ${folder} is ignored: ${because}.`);
}

const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
