import { largePageBytes, memory } from "./native";
import type { MemoryStats } from "./protocol";
import type { Session } from "./session";

/** What this process occupies, from the process itself. */
export function memoryStats(session: Session | undefined): MemoryStats {
  const { rss, heapTotal: heapBytes } = process.memoryUsage();
  if (session === undefined) {
    return { residentBytes: rss, mappedBytes: 0, packedBytes: 0, cacheBytes: 0, heapBytes };
  }
  const { residentBytes, anonymousBytes, mappedBytes } = memory(session.model);
  const fileBytes = residentBytes - anonymousBytes;
  return {
    residentBytes,
    mappedBytes,
    packedBytes: session.packedBytes,
    cacheBytes: session.cacheBytes,
    heapBytes,
    // A system that does not tell says that none is anonymous; Windows counts what is not resident, too.
    ...(anonymousBytes > 0 && fileBytes > 0
      ? { weightBytes: fileBytes + largePageBytes(session.model) }
      : {}),
  };
}
