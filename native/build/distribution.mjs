import { readFileSync } from "node:fs";
import os from "node:os";

/**
 * Name and version of this system as node-llama-cpp writes them.
 * @returns {{ name: string, version: string }}
 */
export function distribution() {
  if (process.platform === "darwin") return { name: "macOS", version: os.release() };
  try {
    return fromOsRelease(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return { name: "Unknown", version: os.release() };
  }
}

/** @param {string} text of `/etc/os-release` */
export function fromOsRelease(text) {
  const value = (key) => new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return { name: value("NAME"), version: value("VERSION_ID") };
}
