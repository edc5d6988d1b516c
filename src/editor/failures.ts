/** One line of any error. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!;

export const codeOf = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;

export const isCancelled = (error: unknown): boolean =>
  ["cancelled", "deadline"].includes(codeOf(error) ?? "");
