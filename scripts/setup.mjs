// Prepares a checkout: packages, native build, bundles. What `npm start` and `npm test` do first.
import { bootstrap } from "./support/bootstrap.mjs";
import { script } from "./support/steps.mjs";

await script(async () => {
  await bootstrap({ tests: process.argv.includes("--tests") });
});
