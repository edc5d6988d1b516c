import { duration, size } from "./errors";
import type { Progress } from "./transfer";

/** How far a download is, in words: `412 MB of 1.12 GB, 11.2 MB/s, 63 s left`; before them, what was wrong with the connection before this one. */
export function progressText({ problem, ...progress }: Progress): string {
  const text = numbers(progress);
  return problem === undefined ? text : `${problem} ${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function numbers({ phase, received, total, rate }: Progress): string {
  if (phase === "connecting") {
    return received === 0 ? "connecting" : `${size(received)} here, connecting again`;
  }
  if (phase === "checking") {
    return "checking";
  }
  if (total === undefined) {
    return [size(received), ...(rate > 0 ? [`${size(rate)}/s`] : [])].join(", ");
  }
  const speed = rate > 0 ? [`${size(rate)}/s`, `${duration((total - received) / rate)} left`] : [];
  return [`${size(received)} of ${size(total)}`, ...speed].join(", ");
}
