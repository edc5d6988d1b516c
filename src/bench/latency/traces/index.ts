import { parseTrace, type Trace } from "../trace";
import javascript from "./javascript.json" with { type: "json" };
import python from "./python.json" with { type: "json" };
import typescript from "./typescript.json" with { type: "json" };

/** The traces that come with Lacuna. */
export const shippedTraces = (): readonly Trace[] =>
  [typescript, javascript, python].map((trace) => parseTrace(JSON.stringify(trace), trace.name));
