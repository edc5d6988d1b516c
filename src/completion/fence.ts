/** A line that begins or ends a block of code in Markdown, and nothing else. */
const FENCE = /^[ \t]*(?:```|~~~)[\w+-]*[ \t]*$/;

/** Whether the text round the cursor has such lines itself. */
export const hasFences = ({
  prefix,
  suffix,
}: {
  readonly prefix: string;
  readonly suffix: string;
}): boolean => [prefix, suffix].some((text) => /^[ \t]*(?:```|~~~)/m.test(text));

/** Models that were taught to chat put code between fences. @param lineStart what stands before `line` on its line */
export const isFence = (line: string, lineStart = ""): boolean => FENCE.test(lineStart + line);
