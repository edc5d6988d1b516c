/**
 * Fill-in-the-middle templates. A family is recognised by the tokens that the model's file names for the purpose, else by the special tokens
 * of its vocabulary; not by its file name, except where two families share their tokens and differ only in order.
 */

/** One piece of a prompt: a special token by its exact text, or ordinary text that must not be read as special. */
export type Segment = { readonly special: string } | { readonly text: string };

export interface ContextFile {
  readonly path: string;
  readonly text: string;
}

export interface FimParts {
  readonly prefix: string;
  readonly suffix: string;
  /** Of the file that is being edited. */
  readonly path: string;
  readonly repository?: string;
  /** Other files, most important last. */
  readonly files: readonly ContextFile[];
  /** Recent edits as a unified diff, oldest first; only templates that know edits show them. */
  readonly edits?: string;
}

export interface FimTemplate {
  readonly family: string;
  /** Special tokens after which a generated text is over, next to the model's own end-of-generation tokens. */
  readonly stopTokens: readonly string[];
  /** Whether other files can be shown to the model. */
  readonly hasFiles: boolean;
  /** Whether the model knows recent edits. */
  readonly hasEdits: boolean;
  /** Special tokens before the prefix, before the suffix behind it, and after that; absent where a prompt is laid out otherwise. */
  readonly marks?: readonly [prefix: string, suffix: string, middle: string];
  /** Whether other files stand within the prefix. */
  readonly filesInPrefix: boolean;
  render(parts: FimParts): Segment[];
}

/** Texts of tokens by what they begin in a prompt. */
export interface NamedTokens {
  readonly prefix?: string;
  readonly suffix?: string;
  readonly middle?: string;
  readonly file?: string;
  readonly repository?: string;
}

/** What the choice of a template needs to know about a model. */
export interface ModelVocabulary {
  /** Whether `text` is one special token of the vocabulary. */
  hasSpecial(text: string): boolean;
  /** `general.name` and the like: decides between families with the same tokens. */
  readonly name: string;
  /** What the model's file itself says. */
  readonly named?: NamedTokens;
}

type Order = "prefix-suffix-middle" | "suffix-prefix-middle";

interface Family {
  readonly family: string;
  /** Tokens in order of use: before the prefix, before the suffix, before the middle. */
  readonly tokens: readonly [prefix: string, suffix: string, middle: string | undefined];
  readonly order: Order;
  /** The family applies only when the model's name matches. */
  readonly name?: RegExp;
  /** Other models have these tokens and were not trained with them: it applies when the name matches, or the file names them for the purpose. */
  readonly claimedBy?: RegExp;
  /** Begins every other file and, where files are shown, the current one. */
  readonly file?: { readonly token: string; readonly showsPath: boolean; readonly currentToo: boolean };
  readonly repository?: string;
  /** Ends what the model writes, besides its own end. */
  readonly end?: string;
  /** Files are told apart within the prefix, by ordinary text before their paths. */
  readonly inPrefix?: { readonly beforePath: string; readonly edits?: string };
}

const PIPES = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"] as const;
const ANGLES = ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"] as const;

/** The family of a model whose file names its tokens, and others than the families have. */
const AS_NAMED = "as its file says";
const SQUARES = ["<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"] as const;

/** First match wins: families with a separator of their own come before plain ones with the same FIM tokens. */
const FAMILIES: readonly Family[] = [
  {
    family: "qwen",
    tokens: PIPES,
    order: "prefix-suffix-middle",
    file: { token: "<|file_sep|>", showsPath: true, currentToo: true },
    repository: "<|repo_name|>",
  },
  {
    family: "codegemma",
    tokens: PIPES,
    order: "prefix-suffix-middle",
    file: { token: "<|file_separator|>", showsPath: true, currentToo: true },
  },
  { family: "granite", tokens: PIPES, order: "prefix-suffix-middle" },
  {
    family: "mellum",
    tokens: ANGLES,
    order: "suffix-prefix-middle",
    name: /mellum/i,
    file: { token: "<filename>", showsPath: true, currentToo: true },
  },
  {
    family: "starcoder2",
    tokens: ANGLES,
    order: "prefix-suffix-middle",
    file: { token: "<file_sep>", showsPath: false, currentToo: true },
  },
  { family: "starcoder", tokens: ANGLES, order: "prefix-suffix-middle" },
  {
    family: "deepseek-coder",
    tokens: ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    order: "prefix-suffix-middle",
  },
  {
    family: "codestral",
    tokens: ["[PREFIX]", "[SUFFIX]", undefined],
    order: "suffix-prefix-middle",
    claimedBy: /codestral/i,
    inPrefix: { beforePath: "+++++ " },
  },
  {
    family: "zeta",
    tokens: SQUARES,
    order: "suffix-prefix-middle",
    name: /zeta/i,
    inPrefix: { beforePath: "<filename>", edits: "edit_history" },
  },
  {
    family: "seed-coder",
    tokens: SQUARES,
    order: "suffix-prefix-middle",
  },
  {
    family: "code-llama",
    tokens: ["▁<PRE>", "▁<SUF>", "▁<MID>"],
    order: "prefix-suffix-middle",
    end: "▁<EOT>",
  },
  {
    family: "code-llama",
    tokens: ["<PRE>", "<SUF>", "<MID>"],
    order: "prefix-suffix-middle",
    end: "<EOT>",
  },
  {
    family: "glm",
    tokens: ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
    order: "prefix-suffix-middle",
  },
  {
    family: "santacoder",
    tokens: ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
    order: "prefix-suffix-middle",
  },
  {
    family: "falcon-h1-coder",
    tokens: ["<|prefix|>", "<|suffix|>", "<|middle|>"],
    order: "prefix-suffix-middle",
  },
  {
    family: "aixcoder",
    tokens: ["▁<AIX-SPAN-PRE>", "▁<AIX-SPAN-POST>", "▁<AIX-SPAN-MIDDLE>"],
    order: "prefix-suffix-middle",
  },
];

/** Texts of all special tokens that {@link chooseFim} may ask for: for vocabularies that are on another machine. */
export const fimTokens = (): readonly string[] => [
  ...new Set(
    FAMILIES.flatMap(({ tokens, file, repository, end }) =>
      [...tokens, file?.token, repository, end].filter((token) => token !== undefined),
    ),
  ),
];

/** Families by name, for who names one. */
export const fimFamilies = (): readonly string[] => [...new Set(FAMILIES.map(({ family }) => family))];

/** The template of a family by its name, for servers that do not tell their vocabulary. */
export function fimOf(name: string): FimTemplate | undefined {
  const family = FAMILIES.find((one) => one.family === name);
  return family === undefined ? undefined : templateOf(family, { hasSpecial: () => true, name });
}

/** The family that a model's name speaks of, where it does. */
export const familyInName = (model: string): string | undefined =>
  NAMES.find(([pattern]) => pattern.test(model))?.[1];

/** Published families whose models are called after them; not those whose later models have other tokens. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/qwen.*coder/i, "qwen"],
  [/codegemma/i, "codegemma"],
  [/granite.*code|granite-?3\.3/i, "starcoder"],
  [/granite-?4/i, "granite"],
  [/mellum/i, "mellum"],
  [/starcoder2/i, "starcoder2"],
  [/starcoder/i, "starcoder"],
  [/deepseek-?coder/i, "deepseek-coder"],
  [/codestral/i, "codestral"],
  [/zeta/i, "zeta"],
  [/seed-?coder/i, "seed-coder"],
  [/code-?llama/i, "code-llama"],
  [/santacoder/i, "santacoder"],
];

/** The template of the model's family, or undefined: then the prefix alone is all that the model can be given. */
export function chooseFim(model: ModelVocabulary): FimTemplate | undefined {
  const { named = {} } = model;
  const families = FAMILIES.filter(({ name, claimedBy, tokens, file }) => {
    const required = [...tokens, file?.token];
    return (
      (name === undefined || name.test(model.name)) &&
      (claimedBy === undefined || claimedBy.test(model.name) || agrees(tokens, named)) &&
      required.every((token) => token === undefined || model.hasSpecial(token))
    );
  });
  const [first] = families;
  const family =
    families.find(({ tokens }) => !contradicts(tokens, named)) ??
    (first === undefined ? undefined : renamed(first, named)) ??
    namedFamily(named) ??
    first;
  return family === undefined ? undefined : templateOf(family, model);
}

/** Whether a family's tokens are those that a file names. */
const agrees = ([prefix, suffix, middle]: Family["tokens"], named: NamedTokens): boolean =>
  prefix === named.prefix &&
  suffix === named.suffix &&
  (middle === undefined || named.middle === undefined || middle === named.middle);

const contradicts = (tokens: Family["tokens"], { prefix, suffix, middle }: NamedTokens): boolean =>
  [prefix, suffix, middle].some(
    (name, index) => name !== undefined && tokens[index] !== undefined && name !== tokens[index],
  );

/** A family of whose tokens the file names some, and these otherwise: the others are those of the family. llama.cpp takes them together so. */
function renamed(family: Family, { prefix, suffix, middle }: NamedTokens): Family | undefined {
  const tokens = [
    prefix ?? family.tokens[0],
    suffix ?? family.tokens[1],
    middle ?? family.tokens[2],
  ] as const;
  const isAllNamed = prefix !== undefined && suffix !== undefined && middle !== undefined;
  return isAllNamed || new Set(tokens).size < tokens.length
    ? undefined
    : { ...family, family: AS_NAMED, tokens };
}

/** Of a model that no family knows, but whose file names its tokens: they stand in the order in which most models have them. */
function namedFamily({ prefix, suffix, middle, file, repository }: NamedTokens): Family | undefined {
  if (
    prefix === undefined ||
    suffix === undefined ||
    middle === undefined ||
    new Set([prefix, suffix, middle]).size < 3
  ) {
    return undefined;
  }
  return {
    family: AS_NAMED,
    tokens: [prefix, suffix, middle],
    order: "prefix-suffix-middle",
    ...(file === undefined ? {} : { file: { token: file, showsPath: true, currentToo: true } }),
    ...(repository === undefined ? {} : { repository }),
  };
}

function templateOf(family: Family, model: ModelVocabulary): FimTemplate {
  const hasRepository = family.repository !== undefined && model.hasSpecial(family.repository);
  const hasEnd = family.end !== undefined && model.hasSpecial(family.end);
  const stopTokens = [
    ...family.tokens,
    family.file?.token,
    hasRepository ? family.repository : undefined,
    hasEnd ? family.end : undefined,
  ];
  return {
    family: family.family,
    stopTokens: stopTokens.filter((token) => token !== undefined),
    hasFiles: family.file !== undefined || family.inPrefix !== undefined,
    hasEdits: family.inPrefix?.edits !== undefined,
    ...marksOf(family),
    filesInPrefix: family.inPrefix !== undefined,
    render: (parts) => [
      ...fileSegments(family, parts, hasRepository),
      ...middleSegments(family, withinPrefix(family, parts), parts.suffix),
    ],
  };
}

function marksOf({ order, tokens: [prefix, suffix, middle] }: Family): Pick<FimTemplate, "marks"> {
  return order === "prefix-suffix-middle" && middle !== undefined ? { marks: [prefix, suffix, middle] } : {};
}

function fileSegments(
  { file, repository, family }: Family,
  parts: FimParts,
  hasRepository: boolean,
): Segment[] {
  // Mellum was trained with the current file's name in front even when it is alone.
  if (file === undefined || (parts.files.length === 0 && family !== "mellum")) {
    return [];
  }
  const segments: Segment[] = [];
  if (hasRepository && parts.repository !== undefined) {
    segments.push({ special: repository! }, { text: `${parts.repository}\n` });
  }
  for (const { path, text } of parts.files) {
    segments.push({ special: file.token }, { text: (file.showsPath ? `${path}\n` : "") + lineEnded(text) });
  }
  if (file.currentToo) {
    segments.push({ special: file.token });
    if (file.showsPath) {
      segments.push({ text: `${parts.path}\n` });
    }
  }
  return segments;
}

/** The prefix, after the other files and the edits where these belong there. */
function withinPrefix({ inPrefix }: Family, { prefix, path, files, edits }: FimParts): string {
  const shown = inPrefix?.edits === undefined || edits === undefined || edits === "" ? undefined : edits;
  if (inPrefix === undefined || (files.length === 0 && shown === undefined)) {
    return prefix;
  }
  const parts = [...files];
  if (shown !== undefined) {
    parts.push({ path: inPrefix.edits!, text: shown });
  }
  const whole = parts.map((file) => `${inPrefix.beforePath}${file.path}\n${lineEnded(file.text)}`);
  return `${whole.join("")}${inPrefix.beforePath}${path}\n${prefix}`;
}

const lineEnded = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);

function middleSegments({ tokens, order }: Family, prefix: string, suffix: string): Segment[] {
  const [beforePrefix, beforeSuffix, beforeMiddle] = tokens;
  const prefixPart: Segment[] = [{ special: beforePrefix }, { text: prefix }];
  const suffixPart: Segment[] = [{ special: beforeSuffix }, { text: suffix }];
  const parts =
    order === "prefix-suffix-middle" ? [...prefixPart, ...suffixPart] : [...suffixPart, ...prefixPart];
  return beforeMiddle === undefined ? parts : [...parts, { special: beforeMiddle }];
}

/** The prompt of a model without FIM tokens. */
export function plainPrompt(prefix: string): Segment[] {
  return [{ text: prefix }];
}
