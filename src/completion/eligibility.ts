import { matchesAny } from "./glob";
import { looksSecret } from "./secrets";

/** What decides whether a document may have completions at all; everything an editor knows without reading the text. */
export interface DocumentFacts {
  readonly path: string;
  readonly scheme: string;
  readonly language: string;
  /** UTF-16 code units, an upper bound that costs nothing to find. */
  readonly size: number;
  readonly readOnly: boolean;
  readonly selectionActive: boolean;
  readonly cursors: number;
}

export interface Surroundings {
  readonly enabled: boolean;
  readonly snoozedUntil: number | undefined;
  readonly now: number;
  readonly workspaceTrusted: boolean;
  readonly onBattery: boolean;
  /** The editor asks for no suggestions by itself. */
  readonly onlyInvoked?: boolean;
}

export interface Rules {
  readonly languages: Readonly<Record<string, boolean>>;
  readonly exclude: readonly string[];
  readonly secretFiles: readonly string[];
  readonly maxFileSizeKB: number;
  readonly untrustedWorkspaces: "complete" | "pause";
  readonly pauseOnBattery: boolean;
}

const EARLIER = "this is another version of a file, to compare with";
const CHAT = "this is a conversation";
const PAGE = "this is a page of the editor";

/** Documents that nobody writes code in although they may be edited, by scheme, and why. In all others somebody may. */
const EXCLUDED_SCHEMES: ReadonlyMap<string, string> = new Map([
  ["output", "this is what a program has written"],
  ["debug", "this belongs to the debugger"],
  ["search-editor", "these are search results"],
  ["git", EARLIER],
  ["gitlens", EARLIER],
  ["gitlens-git", EARLIER],
  ["merge-conflict.conflict-diff", EARLIER],
  ["pr", EARLIER],
  ["review", EARLIER],
  ["vscode-local-history", EARLIER],
  ["chatSessionInput", CHAT],
  ["chat-editing-snapshot-text-model", CHAT],
  ["chat-editing-text-model", CHAT],
  ["comment", CHAT],
  ["vscode-chat-code-block", CHAT],
  ["vscode-chat-editor", CHAT],
  ["vscode-chat-input", CHAT],
  ["vscode-copilot-chat-code-block", CHAT],
  ["vscode", PAGE],
  ["vscode-settings", PAGE],
  ["walkThrough", PAGE],
  ["walkThroughSnippet", PAGE],
]);

/** Documents that can be written although no file system is behind them. */
const WITHOUT_FILES: ReadonlySet<string> = new Set([
  "untitled",
  "vscode-interactive-input",
  "vscode-notebook-cell",
  "vscode-scm",
]);

/** Why documents of a scheme are left alone; undefined where they are not. Completes the sentence "No suggestions: …". */
export const excludedScheme = (scheme: string): string | undefined => EXCLUDED_SCHEMES.get(scheme);

/**
 * Whether documents of a scheme can be written at all.
 * @param writable what the editor says of the scheme's file system; undefined where it knows none
 */
export const isWritableScheme = (scheme: string, writable: boolean | undefined): boolean =>
  WITHOUT_FILES.has(scheme) || writable === true;

export type Reason =
  | "disabled"
  | "snoozed"
  | "untrusted"
  | "battery"
  | "scheme"
  | "language"
  | "secret"
  | "excluded"
  | "size"
  | "read-only"
  | "editor"
  | "selection"
  | "cursors";

/** Why there is no completion; `text` completes the sentence "No suggestions: …". */
export interface Ineligible {
  readonly reason: Reason;
  readonly text: string;
}

export const languageEnabled = (languages: Readonly<Record<string, boolean>>, language: string): boolean =>
  languages[language] ?? languages["*"] ?? true;

/** The first thing that stands against completions in a document, the user's own switches first. */
export function whyNot(facts: DocumentFacts, around: Surroundings, rules: Rules): Ineligible | undefined {
  const no = (reason: Reason, text: string): Ineligible => ({ reason, text });
  if (!around.enabled) {
    return no("disabled", "completions are switched off");
  }
  if (around.snoozedUntil !== undefined && around.now < around.snoozedUntil) {
    const minutes = Math.max(1, Math.ceil((around.snoozedUntil - around.now) / 60_000));
    return no("snoozed", `snoozed for ${minutes} more ${minutes === 1 ? "minute" : "minutes"}`);
  }
  if (!around.workspaceTrusted && rules.untrustedWorkspaces === "pause") {
    return no("untrusted", "this workspace is not trusted");
  }
  if (around.onBattery && rules.pauseOnBattery) {
    return no("battery", "paused on battery");
  }
  const scheme = excludedScheme(facts.scheme);
  if (scheme !== undefined) {
    return no("scheme", scheme);
  }
  if (!languageEnabled(rules.languages, facts.language)) {
    return no("language", `switched off for ${facts.language}`);
  }
  if (looksSecret(facts.path, rules.secretFiles)) {
    return no("secret", "the file looks like a secret");
  }
  if (matchesAny(facts.path, rules.exclude)) {
    return no("excluded", "the file is excluded by a setting");
  }
  if (facts.size > rules.maxFileSizeKB * 1024) {
    return no("size", `the file is larger than ${rules.maxFileSizeKB} KB`);
  }
  if (facts.readOnly) {
    return no("read-only", "the file is read-only");
  }
  if (around.onlyInvoked === true) {
    return no("editor", "VS Code's editor.inlineSuggest.enabled is off");
  }
  if (facts.selectionActive) {
    return no("selection", "text is selected");
  }
  if (facts.cursors > 1) {
    return no("cursors", "there are several cursors");
  }
  return undefined;
}
