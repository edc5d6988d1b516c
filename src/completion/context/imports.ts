/** An import in a file, as far as it names a file of the project. */
export interface Import {
  /** Paths to try, in order, relative to the file's folder unless `fromRoot`; with forward slashes, without `./`. */
  readonly candidates: readonly string[];
  readonly fromRoot: boolean;
  /** What is imported by name. */
  readonly names: readonly string[];
}

const SCRIPT_SUFFIXES = [".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", "/index.ts", "/index.js"];
const SCRIPT = /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?([^'";]*?)\s*from\s*["'](\.{1,2}\/[^"'\n]+)["']/g;
const REQUIRE = /(?:const|let|var)\s+([^=;]+?)\s*=\s*require\(\s*["'](\.{1,2}\/[^"'\n]+)["']\s*\)/g;
const PYTHON = /(?:^|\n)from\s+(\.*)([\w.]*)\s+import\s+(\([^)]*\)|[^\n#]+)/g;

/** Imports of other files of the project, in the order in which they stand. */
export function importsOf(text: string, language: string): Import[] {
  return language === "python" ? pythonImports(text) : scriptImports(text);
}

function scriptImports(text: string): Import[] {
  return [...text.matchAll(SCRIPT), ...text.matchAll(REQUIRE)].map(([, names, from]) => ({
    candidates: scriptCandidates(from!),
    fromRoot: false,
    names: namesIn(names!.replace(/[{}]/g, " ")),
  }));
}

function scriptCandidates(specifier: string): string[] {
  const path = specifier.replace(/^\.\//, "");
  const extension = /\.(?:[cm]?[jt]sx?)$/.exec(path)?.[0];
  if (extension === undefined) {
    return SCRIPT_SUFFIXES.map((suffix) => path + suffix);
  }
  // TypeScript's sources import what they will be compiled to.
  const source = path.slice(0, -extension.length) + extension.replace("j", "t");
  return source === path ? [path] : [source, path];
}

function pythonImports(text: string): Import[] {
  return [...text.matchAll(PYTHON)].map(([, dots, module, names]) => {
    const up = "../".repeat(Math.max(0, dots!.length - 1));
    const path = module!.replaceAll(".", "/");
    return {
      candidates: path === "" ? [`${up}__init__.py`] : [`${up}${path}.py`, `${up}${path}/__init__.py`],
      fromRoot: dots === "",
      names: namesIn(names!.replace(/[()]/g, " ")),
    };
  });
}

const namesIn = (list: string): string[] =>
  list
    .split(",")
    .map((name) => /^\s*(?:type\s+|\*\s+as\s+)?([\p{L}_$][\p{L}\p{N}_$]*)/u.exec(name)?.[1] ?? "")
    .filter((name) => name !== "");
