import { memory } from "./native";
import type { MemoryStats } from "./protocol";
import type { Session } from "./session";

/** What this process occupies, from the process itself. */
export function memoryStats(session: Session | undefined): MemoryStats {
  if (session === undefined) {
    return { residentBytes: process.memoryUsage.rss(), mappedBytes: 0, packedBytes: 0, cacheBytes: 0 };
  }
  const { residentBytes, mappedBytes } = memory(session.model);
  return { residentBytes, mappedBytes, packedBytes: session.packedBytes, cacheBytes: session.cacheBytes };
}
