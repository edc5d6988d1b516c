import { excludedScheme, languageEnabled } from "../eligibility";
import { matchesAny } from "../glob";
import { looksSecret } from "../secrets";

/** What is known about a file before it is read. */
export interface FileFacts {
  readonly path: string;
  readonly scheme: string;
  /** Where it is known. */
  readonly language?: string;
  /** Bytes or code units, where it is known. */
  readonly size?: number;
}

export interface AdmissionRules {
  readonly languages: Readonly<Record<string, boolean>>;
  /** `lacuna.exclude`, and what the editor hides from its explorer and its search. */
  readonly exclude: readonly string[];
  readonly secretFiles: readonly string[];
  readonly workspaceTrusted: boolean;
}

/** A larger file is hardly ever written by hand. */
const MAX_SIZE = 400_000;
/** Keys and tokens by their looks, wherever they stand. */
const SECRET_TEXT =
  /-----(?:BEGIN|END) [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bxox[baprs]-[A-Za-z0-9-]{10}|\bsk-[A-Za-z0-9_-]{32}|\bAIza[0-9A-Za-z_-]{35}/;

/** Whether a file may be read to help with another one. (What git ignores is asked for apart: that takes a process.) */
export function mayEnter(facts: FileFacts, rules: AdmissionRules): boolean {
  return (
    rules.workspaceTrusted &&
    excludedScheme(facts.scheme) === undefined &&
    (facts.language === undefined || languageEnabled(rules.languages, facts.language)) &&
    (facts.size ?? 0) <= MAX_SIZE &&
    !looksSecret(facts.path, rules.secretFiles) &&
    !matchesAny(facts.path, rules.exclude)
  );
}

/** In the place of what could not be decoded: the file has another encoding than it was taken for. */
const UNDECODED = "\ufffd";

/** Whether a text may be shown to the model beside another file's: not when something in it looks like a key, or is no text. */
export const mayShow = (text: string): boolean => !SECRET_TEXT.test(text) && !text.includes(UNDECODED);
