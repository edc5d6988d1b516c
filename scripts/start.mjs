// npm start: prepares the checkout and opens a sample workspace in VS Code with Lacuna.
import { bootstrap } from "./support/bootstrap.mjs";
import { script } from "./support/steps.mjs";
import { openVsCode } from "./support/vscode.mjs";

await script(async () => {
  await bootstrap();
  return await openVsCode();
});
