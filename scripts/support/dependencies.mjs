import { readFileSync } from "node:fs";
import path from "node:path";

/**
 * The first package in which `installed` (npm's own record, `node_modules/.package-lock.json`) differs from `wanted`
 * (`package-lock.json`), or undefined. Optional packages may be absent: they belong to other platforms.
 * @param {{ packages: Record<string, object> }} wanted
 * @param {{ packages: Record<string, object> }} installed
 */
export function firstDifference(wanted, installed) {
  for (const [place, entry] of Object.entries(wanted.packages)) {
    if (!place.startsWith("node_modules/")) continue;
    const there = installed.packages[place];
    if (there === undefined) {
      if (entry.optional !== true && entry.devOptional !== true && entry.peer !== true) return place;
    } else if (
      there.version !== entry.version ||
      there.link !== entry.link ||
      there.integrity !== entry.integrity
    )
      return place;
  }
  return Object.keys(installed.packages).find(
    (place) => place.startsWith("node_modules/") && wanted.packages[place] === undefined,
  );
}

/** True when node_modules holds what the lock file says. */
export function dependenciesInstalled(root) {
  const json = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8"));
  let installed;
  try {
    installed = json("node_modules/.package-lock.json");
  } catch {
    return false;
  }
  return firstDifference(json("package-lock.json"), installed) === undefined;
}
