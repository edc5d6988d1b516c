import path from "node:path";

/**
 * The command as a report names it: files of the installation or the current folder relative to it, others by their name alone, since a path of
 * one machine tells another one nothing.
 * @param words of the command line, after `lacuna`
 */
export function recordedCommand(words: readonly string[], ...roots: readonly string[]): string {
  const shown = (file: string): string => {
    if (!path.isAbsolute(file)) {
      return file;
    }
    const inside = roots
      .map((root) => path.relative(root, file))
      .find((relative) => relative !== "" && !relative.startsWith("..") && !path.isAbsolute(relative));
    return inside?.split(path.sep).join("/") ?? path.basename(file);
  };
  const short = words.map((word) => {
    const [, option = "", value = word] = /^(--[^=]+=)(.*)$/s.exec(word) ?? [];
    return option + value.split(",").map(shown).join(",");
  });
  return ["lacuna", ...short].join(" ");
}
