// npm run test:gpu -- cuda|metal|vulkan [-- MOCHA OPTION …]: attribution and packed FFNs on a GPU, against the references of the native tests. Builds what
// is missing, which takes minutes. Where there is no such GPU it says so and fails: nothing that was left out looks like passed.
import { pathToFileURL } from "node:url";
import path from "node:path";
import { bootstrap, root } from "./support/bootstrap.mjs";
import { execute, script, Stop } from "./support/steps.mjs";

const NAMES = ["cuda", "metal", "vulkan"];

await script(async () => {
  const [gpu, ...words] = process.argv.slice(2);
  if (!NAMES.includes(gpu)) throw new Stop(`Name the GPU to test: npm run test:gpu -- ${NAMES.join("|")}`);
  await bootstrap();
  const node = (args, env = process.env) => execute(process.execPath, args, { cwd: root, env });
  const built = await node(["native/build.mjs", "--gpu", gpu]);
  if (built !== 0) return built;

  const library = pathToFileURL(path.join(root, "node_modules/node-llama-cpp/dist/index.js")).href;
  const look = `
    const { getLlama } = await import("${library}");
    const options = { gpu: "${gpu}", build: "never", skipDownload: true, progressLogs: false };
    const llama = await getLlama(options).catch(() => undefined);
    const names = llama?.gpu === "${gpu}" ? await llama.getGpuDeviceNames() : [];
    if (names.length > 0) console.log("Testing on " + names.join(", "));
    process.exit(names.length > 0 ? 0 : 1);`;
  if ((await node(["--input-type=module", "--eval", look])) !== 0)
    throw new Stop(`Nothing was tested: there is no GPU for ${gpu} here, or its driver does not run.`);

  const options = words[0] === "--" ? words.slice(1) : words;
  const mocha = ["node_modules/mocha/bin/mocha.js", "--config", "test/gpu.mocharc.json", "--forbid-only"];
  return await node([...mocha, ...options], { ...process.env, LACUNA_TEST_GPU: gpu });
});
