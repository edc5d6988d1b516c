// npm test [-- STAGE …]: prepares the checkout and runs the tests, slow ones only when they are named; the last line sums up.
import { bootstrap, root } from "./support/bootstrap.mjs";
import { chooseStages, countResults, inWords } from "./support/stages.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

await script(async () => {
  const choice = chooseStages(process.argv.slice(2), root);
  if (typeof choice === "string") throw new Stop(choice);
  await bootstrap({ tests: true });

  const env = { ...process.env };
  if (process.stdout.isTTY) env["FORCE_COLOR"] ??= "1";
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failedStages = [];
  for (const { name, commands } of choice.chosen) {
    process.stdout.write(`\n── ${name} ──\n`);
    const started = Date.now();
    const stage = { passed: 0, failed: 0, skipped: 0 };
    for (const [command, ...args] of commands) {
      let output = "";
      const code = await execute(command, args, { cwd: root, env, onOutput: (text) => (output += text) });
      if (code === 130) throw new Stop("Interrupted.");
      for (const [kind, count] of Object.entries(countResults(output, code))) stage[kind] += count;
    }
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    process.stdout.write(`${name}: ${inWords(stage)} (${seconds} s)\n`);
    for (const kind of Object.keys(total)) total[kind] += stage[kind];
    if (stage.failed > 0) failedStages.push(name);
  }
  for (const { name } of choice.leftOut)
    process.stdout.write(`\n${name}: left out, takes minutes (\`npm test -- ${name}\` runs it)\n`);
  const where = failedStages.length > 0 ? ` (${failedStages.join(", ")})` : "";
  process.stdout.write(`\n${inWords(total)}${where}\n`);
  return total.failed > 0 ? 1 : 0;
});
