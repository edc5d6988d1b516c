import { homedir } from "node:os";
import path from "node:path";

/** Where the command keeps what it can make again: `LACUNA_CACHE`, or the user's cache directory. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  if (env.LACUNA_CACHE) {
    return path.resolve(env.LACUNA_CACHE);
  }
  return path.join(env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "lacuna");
}

/** Where copies of output heads are kept. */
export const headsDirectory = (env: NodeJS.ProcessEnv): string => path.join(cacheDirectory(env), "heads");

/** Which shares of the FFN are faster than all of it on this machine. */
export const pacesFile = (env: NodeJS.ProcessEnv): string => path.join(cacheDirectory(env), "paces.json");
