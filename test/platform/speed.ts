// One process of `npm run bench:package`: `node speed.mjs MODEL THREADS` prints the milliseconds of a token, as JSON.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import { decode, keepThreads, setRepackFfn } from "../../src/engine/native";

const PROMPT = 256;
const TOKENS = 48;

const [modelPath, threads] = [process.argv[2]!, Number(process.argv[3])];
const llama = await getLlama({
  ...{ gpu: false, build: "never", skipDownload: true, maxThreads: threads, logLevel: LlamaLogLevel.error },
} as const);
setRepackFfn(llama, true);
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({
  ...{ contextSize: 512, batchSize: PROMPT, threads, flashAttention: false },
});
keepThreads(context);

/** Milliseconds for a token, by the clock and of processors. */
async function timed(count: number, work: () => Promise<unknown>): Promise<{ wall: number; cpu: number }> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - start) / count, cpu: (user + system) / 1000 / count };
}

const text = Array.from({ length: PROMPT }, (_, i) => 100 + ((i * 7919) % 2000));
const prefill = (): Promise<unknown> => decode(context, text, { position: 0, outputs: 1 });
const generate = async (): Promise<void> => {
  let token = 100;
  for (let i = 0; i < TOKENS; i++) {
    [token] = (await decode(context, [token], { position: PROMPT + i, outputs: 1 })).next as unknown as [
      number,
    ];
  }
};

await prefill();
await decode(context, [100], { position: PROMPT, outputs: 1 });
const result = { prefill: await timed(PROMPT, prefill), decode: await timed(TOKENS, generate) };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit();
