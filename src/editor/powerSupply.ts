import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

/**
 * Whether a battery of the machine itself is being discharged, by Linux's list of power supplies, in which those of a mouse or a keyboard stand, too.
 * Rejects when there is no such list.
 */
export async function isDischarging(folder: string): Promise<boolean> {
  const states = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const read = (file: string): Promise<string> =>
        readFile(path.join(folder, name, file), "utf8").then(
          (text) => text.trim(),
          () => "",
        );
      return (await read("scope")) !== "Device" && (await read("status")) === "Discharging";
    }),
  );
  return states.includes(true);
}
