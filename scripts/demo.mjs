// npm run demo: completes code in a file of this repository, dense and sparse, and prints both with speed and memory.
import { demo } from "./support/demo.mjs";
import { bootstrap } from "./support/bootstrap.mjs";
import { script } from "./support/steps.mjs";

await script(async () => {
  await bootstrap();
  return await demo();
});
