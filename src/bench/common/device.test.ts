import assert from "node:assert/strict";
import type { Gpu } from "../../engine/gpu";
import { findDevice } from "./device";

type Llama = Awaited<ReturnType<NonNullable<Parameters<typeof findDevice>[2]>>>;

describe("findDevice", () => {
  let disposed = 0;
  const starting =
    (got: Llama["gpu"]) =>
    ({ gpu }: { readonly gpu: Gpu }): Promise<Llama> => {
      assert.notEqual(gpu, false, "nothing is started for the CPU");
      return Promise.resolve({
        gpu: got,
        getGpuDeviceNames: () => Promise.resolve(["NVIDIA H200"]),
        dispose: () => {
          disposed++;
          return Promise.resolve();
        },
      } as unknown as Llama);
    };

  it("names the GPU, and makes of `auto` what it is here", async () => {
    assert.deepEqual(await findDevice(false, 1, starting("cuda")), { gpu: false });
    assert.deepEqual(await findDevice("auto", 1, starting("cuda")), {
      gpu: "cuda",
      name: "cuda, NVIDIA H200",
    });
    assert.deepEqual(await findDevice("auto", 1, starting(false)), { gpu: false });
    assert.equal(disposed, 2);
  });
});
