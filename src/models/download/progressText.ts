import { duration, size } from "./errors";
import type { Progress } from "./transfer";

/** How far a download is, in words: `412 MB of 1.12 GB, 11.2 MB/s, 63 s left`. */
export function progressText({ phase, received, total, rate }: Progress): string {
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
