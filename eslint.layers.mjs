/**
 * Who may import whom. A request goes one way: editor → engine client → (process boundary) → engine host → native.
 * Each entry holds the whole rule for its files: later entries replace earlier ones.
 *
 * @type {{ files: string[], ignores?: string[], ours: string[], vscode?: true, nodeLlamaCpp?: true, pure?: true }[]}
 * `ours`: folders or files of `src/` outside of the own folder; `pure`: no files, processes or sockets either.
 */
export const layers = [
  { files: ["src/completion/**"], ours: [], pure: true },
  { files: ["src/sparsity/**"], ours: [], pure: true },
  { files: ["src/files/**"], ours: [] },
  { files: ["src/models/**"], ours: ["files"] },
  { files: ["src/syntax/**"], ours: ["completion"] },
  { files: ["src/engine/**"], ours: ["files", "completion", "sparsity", "models"], nodeLlamaCpp: true },
  { files: ["src/engine/protocol.ts", "src/engine/client*.ts", "src/engine/client/**"], ours: ["files"] },
  {
    files: ["src/server/**"],
    ours: [
      "completion",
      ...["engine/client", "engine/protocol"],
      ...["engine/abort", "engine/clock", "engine/errors"], // small, and free of the engine itself
    ],
  },
  {
    files: ["src/commandLine/**"],
    ours: ["files", "engine", "completion", "sparsity", "models", "server"],
  },
  {
    files: ["src/bench/**"],
    ours: ["files", "commandLine", "engine", "completion", "sparsity", "models", "server", "syntax"],
  },
  {
    files: ["src/cli/**"],
    ours: ["bench/main", "commandLine", "engine", "completion", "sparsity", "models", "server", "syntax"],
  },
  {
    files: ["src/editor/**"],
    ours: [
      "files",
      "completion",
      "sparsity",
      "engine/client",
      "engine/protocol",
      "models",
      "server",
      "syntax",
    ],
    vscode: true,
  },
  {
    files: ["src/extension.ts"],
    ours: [
      "editor",
      "completion",
      "sparsity",
      "engine/client",
      "engine/protocol",
      "models",
      "server",
      "syntax",
    ],
    vscode: true,
  },
];

const folders = [
  "bench",
  "cli",
  "commandLine",
  "completion",
  "editor",
  "engine",
  "files",
  "models",
  "server",
  "sparsity",
  "syntax",
];

/** Matches a relative import that enters one of our folders from outside, unless the layer may. */
function forbiddenFolders({ files, ours }) {
  const own = files.map((file) => /^src\/(\w+)\//.exec(file)?.[1]);
  const others = folders.filter((folder) => !own.includes(folder));
  const up = own.every((folder) => folder === undefined) ? "\\./" : "(\\.\\./)+";
  const allowed = ours.map((place) => `${place}(/|$)`);
  const except = allowed.length > 0 ? `(?!${allowed.join("|")})` : "";
  return `^${up}${except}(${others.join("|")}|extension)(/|$)`;
}

const message = 'The layers do not allow this import: see CONTRIBUTING.md, "Layers".';
const effects = "fs|child_process|cluster|dgram|dns|http|http2|https|net|os|tls|worker_threads";

/** Tests may read fixtures. */
const isTest = "**/*.test.ts";

function rulesOf(layer, { test }) {
  const patterns = [
    { regex: forbiddenFolders(layer), message },
    { regex: "^\\.{1,2}/.*\\.[cm]?[jt]s$", message: "Relative imports have no extension here." },
  ];
  const names = [];
  if (layer.vscode !== true) names.push("vscode");
  if (layer.nodeLlamaCpp !== true) names.push("node-llama-cpp");
  if (names.length > 0) patterns.push({ regex: `^(${names.join("|")})(/|$)`, message });
  if (layer.pure === true && !test)
    patterns.push({
      regex: `^(node:)?(${effects})(/|$)`,
      message: "This folder is pure: no files, processes or sockets.",
    });
  const folders = {
    selector: "CallExpression[callee.name=/^mkdir(Sync)?$/] Property[key.name='recursive']",
    message: "Node's own never ends in some places: see files/makeFolder.",
  };
  const dynamic = patterns.map(({ regex, message: why }) => ({
    selector: `ImportExpression[source.value=/${regex.replaceAll("/", "\\u002F")}/]`,
    message: why,
  }));
  return {
    "no-restricted-imports": ["error", { patterns }],
    "no-restricted-syntax": ["error", ...dynamic, ...(test ? [] : [folders])],
  };
}

/** The layers as ESLint configurations. */
export const layerConfigs = layers.flatMap((layer) => [
  { files: layer.files, ignores: [isTest], rules: rulesOf(layer, { test: false }) },
  { files: layer.files.map((files) => [files, isTest]), rules: rulesOf(layer, { test: true }) },
]);
