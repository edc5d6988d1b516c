import { readFileSync } from "node:fs";

/** Clock ticks per second of /proc's times: fixed for user space on Linux. */
const TICKS = 100;

/** Processor seconds that a process has used so far, its threads together; undefined where the system does not tell. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = contentOf(`/proc/${pid}/stat`);
  // The second field is a name in parentheses, which may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory of a process, bytes; undefined where the system does not tell. */
export function residentBytes(pid: number): number | undefined {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(contentOf(`/proc/${pid}/status`) ?? "")?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
