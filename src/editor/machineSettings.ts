/** Where a setting has which value; undefined where it has none. */
export interface SettingPlaces {
  /** The user's own, on the machine that shows the window. */
  readonly globalLocalValue?: unknown;
  /** Of the machine that a remote window works on. */
  readonly globalRemoteValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

/** In a remote window: which of its two machines Lacuna runs on. */
export interface Side {
  readonly runsOn: "local" | "remote";
  /** Both are one to the user: a browser has no files of its own. */
  readonly inBrowser: boolean;
  /** Names the remote machine, as the editor does. */
  readonly remoteName: string;
}

export interface MachineValue {
  readonly value: unknown;
  /** One sentence about a value that does not count, if there is one. */
  readonly ignored?: string;
}

/** Settings that say something of a machine: what its files, its processor and its memory are good for. */
export const MACHINE_SETTINGS: ReadonlySet<string> = new Set([
  "model",
  "modelFolder",
  "modelMirror",
  "server",
  "serverKind",
  "serverModel",
  "serverFim",
  "serverFallback",
  "serverCertificates",
  "contextSize",
  "threads",
  "gpu",
  "idleUnloadMinutes",
  "pauseOnBattery",
]);

/**
 * The value of one of the {@link MACHINE_SETTINGS} in a remote window: that of the machine where Lacuna runs. The workspace's goes before it, as
 * everywhere. On a remote machine that has no value, the user's own counts, but for a model that is not there.
 *
 * @param exists whether there is a file of this path where Lacuna runs
 */
export function machineValue(
  name: string,
  places: SettingPlaces,
  { runsOn, inBrowser, remoteName }: Side,
  exists: (path: string) => boolean,
): MachineValue {
  const { globalLocalValue: local, globalRemoteValue: remote } = places;
  const ofWorkspace = places.workspaceFolderValue ?? places.workspaceValue;
  if (ofWorkspace !== undefined) {
    return { value: ofWorkspace };
  }
  const shown = (value: unknown): string => JSON.stringify(value);
  if (runsOn === "local") {
    const differs = remote !== undefined && remote !== local;
    return {
      value: local,
      ...(differs
        ? {
            ignored: `Setting lacuna.${name} of ${remoteName} (${shown(remote)}) is ignored: Lacuna runs on this machine, with your own settings.`,
          }
        : {}),
    };
  }
  const value = remote ?? local;
  const foreign =
    name === "model" &&
    !inBrowser &&
    remote === undefined &&
    typeof local === "string" &&
    local.trim() !== "";
  if (foreign && !exists(local)) {
    return {
      value: undefined,
      ignored: `Setting lacuna.model of your own machine (${shown(local)}) is ignored: Lacuna runs on ${remoteName}, where there is no such file. Set it in the settings of ${remoteName}.`,
    };
  }
  const differs = !inBrowser && remote !== undefined && local !== undefined && remote !== local;
  return {
    value,
    ...(differs
      ? {
          ignored: `Setting lacuna.${name} of your own machine (${shown(local)}) is ignored: Lacuna runs on ${remoteName}, which has its own value (${shown(remote)}).`,
        }
      : {}),
  };
}
