// npm start: prepares the checkout and shows what Lacuna does.
import { demo } from "./support/demo.mjs";
import { bootstrap } from "./support/bootstrap.mjs";
import { script } from "./support/steps.mjs";

await script(async () => {
  await bootstrap();
  return await demo();
});
