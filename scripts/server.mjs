// npm run test:server [-- MOCHA OPTION …]: completing on a stock llama-server, with the small model. Builds what is missing, which takes minutes.
import { bootstrap, root } from "./support/bootstrap.mjs";
import { execute, script } from "./support/steps.mjs";

await script(async () => {
  await bootstrap();
  const code = await execute(process.execPath, ["native/build.mjs", "--server"], { cwd: root });
  if (code !== 0) return code;
  const mocha = ["node_modules/mocha/bin/mocha.js", "--config", "test/server.mocharc.json", "--forbid-only"];
  return await execute(process.execPath, [...mocha, ...process.argv.slice(2)], { cwd: root });
});
