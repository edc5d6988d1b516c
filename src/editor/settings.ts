import type { LoadModel, Sparsity } from "../engine/protocol";
import { fimFamilies } from "../completion/fim";
import { parseServerAddress } from "../server/address";
import { SERVER_KINDS, type ServerKind } from "../server/backend";
import { DEFAULT_METRIC, METRIC_NAMES, type Metric } from "../sparsity/metrics";

/** All settings, as validated values. Names and defaults as in package.json. */
export interface Settings {
  readonly enabled: boolean;
  readonly languages: Readonly<Record<string, boolean>>;
  readonly exclude: readonly string[];
  readonly secretFiles: readonly string[];
  readonly maxFileSizeKB: number;
  readonly untrustedWorkspaces: "complete" | "pause";
  /** Milliseconds, or `auto`. */
  readonly debounce: "auto" | number;
  readonly maxTokens: number;
  readonly maxLines: number;
  /** What of other files the model is shown. */
  readonly context: "all" | "visited" | "off";
  /** KiB of other files, at most. */
  readonly maxContextKB: number;
  readonly sparsity: Sparsity;
  readonly maxQualityLoss: number;
  readonly metric: string;
  /** Tokens. */
  readonly window: number;
  /** Path, or "" for the model that comes with Lacuna. */
  readonly model: string;
  /** Where downloaded models are kept; "" for Lacuna's own folder. */
  readonly modelFolder: string;
  /** Base address instead of the hub's; "" for the hub. */
  readonly modelMirror: string;
  /** Address of a server that completes instead; "": none. */
  readonly server: string;
  readonly serverKind: "auto" | ServerKind;
  /** "": the only one that it has. */
  readonly serverModel: string;
  /** A family of `completion/fim`, `auto`, or `suffix`. */
  readonly serverFim: string;
  /** Who completes while the server is away. */
  readonly serverFallback: "local" | "nothing";
  /** Files of certificates to trust. */
  readonly serverCertificates: readonly string[];
  readonly contextSize: number;
  /** 0: choose. */
  readonly threads: number;
  readonly gpu: LoadModel["gpu"];
  /** Which rows of the output head are read for a token. */
  readonly outputHead: "screened" | "full";
  readonly idleUnloadMinutes: number;
  readonly pauseOnBattery: boolean;
  readonly logLevel: LogLevel;
}

export type LogLevel = "error" | "warn" | "info" | "debug";

/** Not the random baseline, and not integrated gradients: they take minutes for each file. */
export const METRICS: readonly Exclude<Metric, "ig" | "random">[] = METRIC_NAMES.filter(
  (name) => name !== "ig" && name !== "random",
);

/** How a server's model may be told to fill in the middle. */
export const SERVER_FIM: readonly string[] = ["auto", "suffix", ...fimFamilies()];

function isAddress(text: string): boolean {
  try {
    parseServerAddress(text);
    return true;
  } catch {
    return false;
  }
}

/** Returns the value to use, or undefined when `raw` is not valid. */
type Reader<T> = (raw: unknown) => T | undefined;

interface Spec<T> {
  readonly fallback: T;
  readonly read: Reader<T>;
  /** Completes "Setting lacuna.x must be …". */
  readonly must: string;
}

const bool = (fallback: boolean): Spec<boolean> => ({
  fallback,
  read: (raw) => (typeof raw === "boolean" ? raw : undefined),
  must: "true or false",
});

const integer = (fallback: number, min: number, max: number): Spec<number> => ({
  fallback,
  read: (raw) =>
    typeof raw === "number" && Number.isInteger(raw) && raw >= min && raw <= max ? raw : undefined,
  must: `a whole number from ${min} to ${max}`,
});

const number = (fallback: number, min: number, max: number): Spec<number> => ({
  fallback,
  read: (raw) => (typeof raw === "number" && raw >= min && raw <= max ? raw : undefined),
  must: `a number from ${min} to ${max}`,
});

const oneOf = <T extends string>(fallback: T, values: readonly T[]): Spec<T> => ({
  fallback,
  read: (raw) => values.find((value) => value === raw),
  must: `one of ${values.join(", ")}`,
});

const strings = (fallback: readonly string[]): Spec<readonly string[]> => ({
  fallback,
  read: (raw) => (Array.isArray(raw) && raw.every((item) => typeof item === "string") ? raw : undefined),
  must: "a list of texts",
});

const SPECS: { readonly [K in keyof Settings]: Spec<Settings[K]> } = {
  enabled: bool(true),
  languages: {
    fallback: { "*": true, plaintext: false, markdown: false, log: false, scminput: false },
    read: (raw) =>
      typeof raw === "object" &&
      raw !== null &&
      !Array.isArray(raw) &&
      Object.values(raw).every((value) => typeof value === "boolean")
        ? (raw as Record<string, boolean>)
        : undefined,
    must: "an object of language identifiers with true or false",
  },
  exclude: strings(["**/node_modules/**", "**/*.min.js"]),
  secretFiles: strings([]),
  maxFileSizeKB: integer(1024, 1, 51_200),
  untrustedWorkspaces: oneOf("complete", ["complete", "pause"]),
  debounce: {
    fallback: "auto",
    read: (raw) => (raw === "auto" ? raw : integer(0, 0, 5_000).read(raw)),
    must: "auto or whole milliseconds from 0 to 5000",
  },
  maxTokens: integer(64, 1, 512),
  maxLines: integer(8, 1, 100),
  context: oneOf("all", ["all", "visited", "off"]),
  maxContextKB: number(8, 0, 64),
  sparsity: { fallback: "auto", read: parseSparsity, must: "auto, dense or a number from 0.05 to 1" },
  maxQualityLoss: number(0.05, 0, 1),
  metric: oneOf<string>(DEFAULT_METRIC, METRICS),
  window: integer(256, 32, 1_024),
  model: {
    fallback: "",
    read: (raw) => (typeof raw === "string" ? raw.trim() : undefined),
    must: "the path of a GGUF file",
  },
  modelFolder: {
    fallback: "",
    read: (raw) => (typeof raw === "string" ? raw.trim() : undefined),
    must: "the path of a folder",
  },
  modelMirror: {
    fallback: "",
    read: (raw) =>
      raw === "" || (typeof raw === "string" && URL.canParse(raw) && /^https?:/.test(raw)) ? raw : undefined,
    must: "an address such as https://huggingface.co",
  },
  server: {
    fallback: "",
    read: (raw) =>
      typeof raw === "string" && (raw.trim() === "" || isAddress(raw)) ? raw.trim() : undefined,
    must: "the address of a server such as http://127.0.0.1:8080, without name and password",
  },
  serverKind: oneOf("auto", ["auto", ...SERVER_KINDS]),
  serverModel: {
    fallback: "",
    read: (raw) => (typeof raw === "string" ? raw.trim() : undefined),
    must: "the name of a model",
  },
  serverFim: oneOf("auto", SERVER_FIM),
  serverFallback: oneOf("local", ["local", "nothing"]),
  serverCertificates: strings([]),
  contextSize: integer(2_048, 256, 32_768),
  threads: integer(0, 0, 256),
  gpu: {
    fallback: "auto",
    read: (raw) => (raw === "off" ? false : oneOf("auto", ["auto", "cuda", "metal", "vulkan"]).read(raw)),
    must: "one of auto, off, cuda, metal, vulkan",
  },
  outputHead: oneOf("screened", ["screened", "full"]),
  idleUnloadMinutes: number(10, 0, 1_440),
  pauseOnBattery: bool(false),
  logLevel: oneOf("info", ["error", "warn", "info", "debug"]),
};

/** `auto`, `dense` or a ratio; a ratio of 1 is dense. */
export function parseSparsity(raw: unknown): Sparsity | undefined {
  if (raw === "auto" || raw === "dense") {
    return raw;
  }
  if (typeof raw === "number" && raw >= 0.05 && raw <= 1) {
    return raw === 1 ? "dense" : raw;
  }
  return undefined;
}

export interface ReadSettings {
  readonly settings: Settings;
  /** One sentence for each setting that was not valid and for which the default is used. */
  readonly problems: readonly string[];
}

/** Reads and validates every setting; whatever is not valid falls back to its default and is reported. */
export function readSettings(get: (name: string) => unknown): ReadSettings {
  const problems: string[] = [];
  const entries = Object.entries(SPECS).map(([name, spec]: [string, Spec<unknown>]) => {
    const raw = get(name);
    const value = raw === undefined ? spec.fallback : spec.read(raw);
    if (value === undefined) {
      problems.push(
        `Setting lacuna.${name} must be ${spec.must}; ${JSON.stringify(spec.fallback)} is used instead.`,
      );
    }
    return [name, value ?? spec.fallback];
  });
  return { settings: Object.fromEntries(entries) as Settings, problems };
}

/** Defaults by name, for comparison with package.json. */
export const defaultSettings = (): Settings => readSettings(() => undefined).settings;
