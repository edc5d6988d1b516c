import { CliError } from "../../commandLine/errors";

/** One thing that a person does, `ms` after the one before. */
export interface TraceEvent {
  /** Milliseconds since the event before. */
  readonly ms: number;
  /** Moves the cursor here first: offset in UTF-16 code units, of the text as it is then. */
  readonly to?: number;
  /** Characters deleted before the cursor. */
  readonly back?: number;
  /** Characters deleted behind the cursor: a closer that is typed over. */
  readonly over?: number;
  /** Text inserted at the cursor. */
  readonly text?: string;
  /** Text that the editor puts behind the cursor: the other half of a pair. */
  readonly behind?: string;
  /** The inserted text is an accepted suggestion, not typed. */
  readonly accepted?: true;
}

/** Editing as it went: a file as it was at first, and what was done to it. */
export interface Trace {
  readonly name: string;
  /** Where the file comes from, with its licence. */
  readonly source: string;
  /** Of the file, as the model is told. */
  readonly path: string;
  /** VS Code's language identifier. */
  readonly language: string;
  readonly text: string;
  /** Other files of the project, or as much of them as matters; absent: there are none. */
  readonly files?: readonly { readonly path: string; readonly text: string }[];
  /** Where the cursor is at first. */
  readonly offset: number;
  readonly events: readonly TraceEvent[];
}

const COUNTS = ["to", "back", "over"] as const;
const TEXTS = ["text", "behind"] as const;

/** Throws a {@link CliError} that says what is wrong with the file. */
export function parseTrace(json: string, file: string): Trace {
  const refuse = (why: string): never => {
    throw new CliError(`${file} is not a trace: ${why}.`);
  };
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return refuse("it is not JSON");
  }
  if (typeof value !== "object" || value === null) {
    return refuse("it is not an object");
  }
  const trace = value as Record<string, unknown>;
  for (const key of ["name", "source", "path", "language", "text"]) {
    if (typeof trace[key] !== "string") {
      refuse(`"${key}" is not a text`);
    }
  }
  if (!isCount(trace.offset) || trace.offset > (trace.text as string).length) {
    refuse('"offset" is not a place in the text');
  }
  const { events, files = [] } = trace;
  if (!Array.isArray(files) || !files.every(isFile)) {
    return refuse('"files" are not files');
  }
  if (!Array.isArray(events) || events.length === 0) {
    return refuse('"events" is empty');
  }
  events.forEach((event: unknown, index) => {
    if (!isEvent(event)) {
      refuse(`event ${index} is not one`);
    }
  });
  return value as Trace;
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0;

function isFile(value: unknown): boolean {
  const { path, text } = (value ?? {}) as Record<string, unknown>;
  return typeof path === "string" && typeof text === "string";
}

function isEvent(value: unknown): boolean {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const event = value as Record<string, unknown>;
  return (
    typeof event.ms === "number" &&
    event.ms >= 0 &&
    COUNTS.every((key) => event[key] === undefined || isCount(event[key])) &&
    TEXTS.every((key) => event[key] === undefined || typeof event[key] === "string") &&
    (event.accepted === undefined || event.accepted === true)
  );
}

/** How long the trace takes at its own speed, milliseconds. */
export const durationOf = ({ events }: Pick<Trace, "events">): number =>
  events.reduce((sum, { ms }) => sum + ms, 0);

/** Whether an event changes the text: then, and only then, an editor asks for a suggestion. */
export const changesText = ({ text, back, over, behind }: TraceEvent): boolean =>
  [text, behind].some((inserted) => (inserted ?? "") !== "") || (back ?? 0) > 0 || (over ?? 0) > 0;
