import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../bootstrap.mjs";
import { execute, Stop } from "../steps.mjs";

/**
 * Unpacks what `npm run package -- TARGET` made.
 * @param {string} target
 * @param {string} directory
 * @returns {Promise<string>} the extension's folder in it
 */
export async function unpackedPackage(target, directory) {
  const { name, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const vsix = path.join(root, `${name}-${target}-${version}.vsix`);
  if (!existsSync(vsix))
    throw new Stop(`${path.basename(vsix)} is missing: run \`npm run package -- ${target}\`.`);
  mkdirSync(directory, { recursive: true });
  // GNU tar reads no zip; everybody else's does.
  const unpack =
    process.platform === "linux" ? ["python3", "-m", "zipfile", "-e", vsix, "."] : ["tar", "-xf", vsix];
  if ((await execute(unpack[0], unpack.slice(1), { cwd: directory })) !== 0)
    throw new Stop("The package cannot be unpacked (see above).");
  return path.join(directory, "extension");
}
