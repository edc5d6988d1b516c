const SPECIAL = /[.+^$()|[\]\\]/g;

/**
 * A glob as VS Code's settings use it: `*` and `?` within a path segment, `**` across segments, `{a,b}` alternatives.
 * A pattern without a slash matches the file name anywhere. Case does not matter. Never throws: unbalanced braces are literal.
 */
export function globToRegExp(glob: string): RegExp {
  const normal = glob.replaceAll("\\", "/");
  const pattern = normal.includes("/") ? normal : `**/${normal}`;
  const balanced = /^[^{}]*(\{[^{}]*\}[^{}]*)*$/.test(pattern);
  let source = "";
  let depth = 0;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char === "*" && pattern.charAt(i + 1) === "*") {
      const slash = pattern.charAt(i + 2) === "/";
      source += slash ? "(?:.*/)?" : ".*";
      i += slash ? 2 : 1;
    } else if (char === "*") {
      source += "[^/]*";
    } else if (char === "?") {
      source += "[^/]";
    } else if (balanced && char === "{") {
      depth++;
      source += "(?:";
    } else if (balanced && char === "}") {
      depth--;
      source += ")";
    } else if (depth > 0 && char === ",") {
      source += "|";
    } else {
      source += char === "{" || char === "}" ? `\\${char}` : char.replace(SPECIAL, "\\$&");
    }
  }
  return new RegExp(`^/?${source}$`, "i");
}

/** Whether `path` (either slash) matches one of `globs`. */
export function matchesAny(path: string, globs: readonly string[]): boolean {
  const normal = path.replaceAll("\\", "/");
  return globs.some((glob) => globToRegExp(glob).test(normal));
}
