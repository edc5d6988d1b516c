/** A failure that the user can do something about: printed as it is, without a stack trace. */
export class BuildError extends Error {}
