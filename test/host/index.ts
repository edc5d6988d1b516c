import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import Mocha from "mocha";

/** Entry point of VS Code's test run: all suites beside this file. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: 60_000, color: true, slow: 5_000, forbidOnly: true });
  const grep = process.env.LACUNA_TEST_GREP;
  if (grep !== undefined) {
    mocha.grep(grep);
  }
  for (const name of readdirSync(__dirname).filter((file) => file.endsWith(".suite.cjs"))) {
    mocha.addFile(path.join(__dirname, name));
  }
  let passes = 0;
  const failures = await new Promise<number>((resolve) => {
    mocha.run(resolve).on("pass", () => passes++);
  });
  // The launcher believes this file only: an extension host that dies ends with exit code 0.
  if (process.env.LACUNA_TEST_REPORT !== undefined) {
    writeFileSync(process.env.LACUNA_TEST_REPORT, JSON.stringify({ passes, failures }));
  }
  if (failures > 0) {
    throw new Error(`${failures} host ${failures === 1 ? "test" : "tests"} failed.`);
  }
}
