import assert from "node:assert/strict";
import type { Llama } from "node-llama-cpp";
import { EngineFailure } from "./errors";
import { gpuNote, startLlama, type Installation } from "./llama";
import type { LoadModel } from "./protocol";

class NoBinaryFoundError extends Error {}

/** node-llama-cpp that comes up with `got`, or finds no binary; `asked` is what it was called with. */
class Fake implements Installation {
  readonly asked: unknown[] = [];
  disposed = 0;
  readonly place = {
    platform: "linux",
    arch: "x64",
    fromSources: false,
    load: (): never => {
      throw this.linker;
    },
  };
  linker = new Error("libcublas.so.12: cannot open shared object file: No such file or directory");

  constructor(
    private readonly got: string | false | undefined,
    private readonly names: readonly string[] = ["linux-x64", "linux-x64-cuda"],
    private readonly devices: readonly string[] = ["a card"],
  ) {}

  folders(): readonly string[] {
    return this.names;
  }

  system(): ReturnType<Installation["system"]> {
    return { glibc: "2.36", release: "6.1.0" };
  }

  library(): ReturnType<Installation["library"]> {
    const getLlama = (options: { gpu: unknown }): Promise<Llama> => {
      this.asked.push(options.gpu);
      if (this.got === undefined) {
        throw new NoBinaryFoundError();
      }
      const dispose = (): Promise<void> => {
        this.disposed++;
        return Promise.resolve();
      };
      const gpu = options.gpu === false ? false : this.got;
      const getGpuDeviceNames = (): Promise<readonly string[]> => Promise.resolve(this.devices);
      const llama = { gpu, getGpuDeviceNames, dispose, _bindings: { lacuna: {} } };
      return Promise.resolve(llama as unknown as Llama);
    };
    return Promise.resolve({ getLlama, LlamaLogLevel: {}, NoBinaryFoundError } as never);
  }

  start(gpu: LoadModel["gpu"]): Promise<Llama> {
    return startLlama({ gpu, threads: 1 }, () => undefined, this);
  }
}

const failure =
  (message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof EngineFailure && message.test(error.message);

describe("startLlama", () => {
  it("gives the GPU that was asked for, and with `auto` whatever there is", async () => {
    for (const [asked, got] of [
      ["cuda", "cuda"],
      [false, false],
      ["auto", "cuda"],
      ["auto", false],
    ] as const) {
      const fake = new Fake(got);
      assert.equal((await fake.start(asked)).gpu, got);
      assert.deepEqual(fake.asked, [asked]);
      assert.equal(fake.disposed, 0);
    }
  });

  it("asks for the CPU where a package has no other binary", async () => {
    const fake = new Fake(false, ["mac-arm64"]);
    assert.equal((await fake.start("auto")).gpu, false);
    assert.deepEqual(fake.asked, [false]);
  });

  it("finds no card where a GPU's library is all that there is", async () => {
    const names = ["linux-x64", "linux-x64-vulkan"];
    const auto = new Fake("vulkan", names, []);
    assert.equal((await auto.start("auto")).gpu, false);
    assert.deepEqual([auto.asked, auto.disposed], [["auto", false], 1]);
    const named = new Fake("vulkan", names, []);
    await assert.rejects(named.start("vulkan"), failure(/^Vulkan finds no GPU on this system/));
    assert.equal(named.disposed, 1);
  });

  it("takes no other in its place", async () => {
    const fake = new Fake(false);
    await assert.rejects(fake.start("cuda"), failure(/asked for CUDA and came up with the CPU/));
    assert.equal(fake.disposed, 1);
  });

  it("does not ask for what cannot be: node-llama-cpp would take another without a word", async () => {
    const fake = new Fake(false);
    await assert.rejects(fake.start("metal"), failure(/no Metal on Linux/));
    await assert.rejects(fake.start("vulkan"), failure(/no binary for Vulkan/));
    assert.deepEqual(fake.asked, []);
  });

  it("says what a binary lacks that is there and was not taken", async () => {
    await assert.rejects(new Fake(undefined).start("cuda"), failure(/CUDA needs libcublas\.so\.12/));
    await assert.rejects(
      new Fake(undefined).start(false),
      failure(/does not load on this system: libcublas[^\n]*[^.]\. Install Lacuna again, or use it with/),
    );
  });

  it("says to build what is missing only where that can be done", async () => {
    const packaged = new Fake(undefined, []);
    await assert.rejects(packaged.start(false), failure(/linux-x64 is missing\. Install Lacuna again/));
    const fake = new Fake(undefined, []);
    fake.place.fromSources = true;
    await assert.rejects(fake.start(false), failure(/linux-x64 is missing\. Run `npm run build:native`\.$/));
  });
});

describe("gpuNote", () => {
  const vram = { free: 2 ** 30, total: 2 ** 31 };
  const model = (gpuLayers: number): Parameters<typeof gpuNote>[1] => ({
    gpuLayers,
    size: 2 ** 31,
    fileInsights: { totalLayers: 25 },
  });

  it("is silent when the model fits, and tells how much of it does", () => {
    assert.equal(gpuNote("cuda", model(25), vram), undefined);
    assert.match(gpuNote("cuda", model(7), vram)!, /7 of 25 layers fit .* The others run on the CPU\.$/);
    assert.match(gpuNote("auto", model(0), vram)!, /none of .* It runs on the CPU\.$/);
    assert.equal(gpuNote(false, model(0), undefined), undefined);
  });
  it("is an error where a GPU that was named has room for nothing", () => {
    assert.throws(
      () => gpuNote("cuda", model(0), vram),
      (error: unknown) =>
        failure(/none of the model's 25 layers fits .* 1\.0 GiB of the GPU's 2\.0 GiB are free/)(error) &&
        (error as EngineFailure).code === "out-of-memory",
    );
  });
});
