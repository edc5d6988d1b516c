/** A command line that cannot be followed: exit code 2. */
export class UsageError extends Error {}

/** Something that the user can do something about: exit code 1. */
export class CliError extends Error {}

/** Ended by Ctrl-C: exit code 130. */
export class Interrupted extends Error {
  constructor() {
    super("Interrupted.");
  }
}

/** A file system error in words. */
export function describeFileError(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "it does not exist";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "permission denied";
    case "EISDIR":
      return "it is a directory";
    case "ENOTDIR":
    case "EEXIST":
      return "part of the path is not a directory";
    case "ENOSPC":
      return "no space left on the device";
    default:
      return code ?? (error instanceof Error ? error.message : String(error));
  }
}
