import assert from "node:assert/strict";
import {
  describeGpuMemory,
  describeGpuProblem,
  gpuFolder,
  gpuProblemAfter,
  gpuProblemBefore,
  gpuProblemOf,
  whyOnCpu,
  type GpuPlace,
  type NamedGpu,
} from "./gpu";

const linux = { platform: "linux", arch: "x64" };
const mac = { platform: "darwin", arch: "arm64" };

/** With a binary for each GPU, of which the loader says this. */
function place(found: string | false | Error): GpuPlace {
  return {
    ...linux,
    folders: ["linux-x64", "linux-x64-cuda", "linux-x64-vulkan"],
    load: () => {
      if (found instanceof Error) {
        throw found;
      }
      return found;
    },
  };
}

const said = (gpu: NamedGpu, from: GpuPlace): string => describeGpuProblem(gpu, gpuProblemOf(gpu, from));

describe("a GPU that cannot be used", () => {
  it("has its binaries in a folder of its own", () => {
    assert.equal(gpuFolder(false, linux), "linux-x64");
    assert.equal(gpuFolder("auto", { platform: "win32", arch: "x64" }), "win-x64");
    assert.equal(gpuFolder("cuda", linux), "linux-x64-cuda");
    assert.equal(gpuFolder("metal", mac), "mac-arm64-metal");
  });

  it("is none of this platform's", () => {
    const problem = gpuProblemBefore("metal", { ...linux, folders: ["linux-x64"] });
    assert.deepEqual(problem, { kind: "not-here", system: "Linux x64" });
    assert.match(describeGpuProblem("metal", problem), /^There is no Metal on Linux x64: choose `auto`/);
    assert.equal(gpuProblemBefore("cuda", { ...mac, folders: ["mac-arm64-metal"] })?.kind, "not-here");
    assert.equal(
      gpuProblemBefore("metal", { platform: "darwin", arch: "x64", folders: ["mac-x64"] })?.kind,
      "not-here",
    );
    assert.equal(gpuProblemBefore("metal", { ...mac, folders: ["mac-arm64-metal"] }), undefined);
  });

  it("has no binary here; those that there are, are named", () => {
    const problem = gpuProblemBefore("cuda", { ...linux, folders: ["linux-x64", "linux-x64-vulkan"] });
    assert.deepEqual(problem, { kind: "no-binary", has: ["cpu", "vulkan"] });
    assert.match(
      describeGpuProblem("cuda", problem),
      /has no binary for CUDA, only for the CPU and Vulkan: choose `auto` or `off`/,
    );
    const built = gpuProblemBefore("cuda", { ...linux, folders: ["linux-x64"], fromSources: true });
    assert.match(
      describeGpuProblem("cuda", built!),
      /only for the CPU: build one \(`npm run build:native -- --gpu cuda`\), or choose `auto` or `off`/,
    );
  });

  it("has no driver", () => {
    const error = new Error("libcuda.so.1: cannot open shared object file: No such file or directory");
    assert.deepEqual(gpuProblemOf("cuda", place(error)), { kind: "no-driver", library: "libcuda.so.1" });
    assert.match(said("cuda", place(error)), /libcuda\.so\.1 is missing\): install NVIDIA's driver/);
    const vulkan = new Error("libvulkan.so.1: cannot open shared object file: No such file or directory");
    assert.match(said("vulkan", place(vulkan)), /libvulkan\.so\.1 is missing\): .*Vulkan loader/);
  });

  it("lacks a library of its runtime, as each system's linker says it", () => {
    for (const [message, library] of [
      ["libcublas.so.12: cannot open shared object file: No such file or directory", "libcublas.so.12"],
      ["Error loading shared library libcudart.so.13: No such file (needed by x)", "libcudart.so.13"],
      ["dlopen(x.node, 1): Library not loaded: @rpath/libomp.dylib", "libomp.dylib"],
      ["The specified module could not be found.\\\\?\\x.node", "a library of the GPU's runtime"],
    ] as const) {
      assert.deepEqual(gpuProblemOf("cuda", place(new Error(message))), {
        kind: "missing-library",
        library,
      });
      assert.ok(said("cuda", place(new Error(message))).includes(`CUDA needs ${library}`));
    }
  });

  it("is not there, though the binary loads", () => {
    assert.deepEqual(gpuProblemOf("cuda", place(false)), { kind: "no-device" });
    assert.match(said("cuda", place(false)), /CUDA finds no GPU .*`nvidia-smi`/);
  });

  it("refuses for another reason, which is passed on in one line", () => {
    const error = new Error("version `GLIBC_2.38' not found\n    at require");
    assert.deepEqual(gpuProblemOf("cuda", place(error)), {
      kind: "refused",
      reason: "version `GLIBC_2.38' not found",
    });
    assert.match(
      said("cuda", place(error)),
      /does not load on this system: version `GLIBC_2\.38' not found\./,
    );
  });

  it("is another than the one that was asked for", () => {
    assert.equal(gpuProblemAfter("cuda", "cuda"), undefined);
    assert.equal(gpuProblemAfter(false, false), undefined);
    assert.equal(gpuProblemAfter("auto", false), undefined);
    assert.equal(gpuProblemAfter("auto", "vulkan"), undefined);
    assert.deepEqual(gpuProblemAfter("cuda", false), { kind: "another", got: "cpu" });
    assert.deepEqual(gpuProblemAfter(false, "metal"), { kind: "another", got: "metal" });
    assert.deepEqual(gpuProblemOf("cuda", place("vulkan")), { kind: "another", got: "vulkan" });
    assert.match(
      describeGpuProblem("cuda", { kind: "another", got: "cpu" }),
      /asked for CUDA and came up with the CPU/,
    );
  });

  it("has not enough memory: with the numbers and the layers that fit", () => {
    const card = { freeBytes: 2 ** 30, totalBytes: 2 ** 31, modelBytes: 3 * 2 ** 30, layers: 29 };
    assert.equal(describeGpuMemory({ ...card, fit: 29 }), undefined);
    assert.equal(
      describeGpuMemory({ ...card, fit: 9 }),
      "There is not enough memory on the GPU: 9 of 29 layers fit (the model has 3.0 GiB, and 1.0 GiB of the GPU's 2.0 GiB are free).",
    );
    assert.match(describeGpuMemory({ ...card, fit: 0 })!, /none of the model's 29 layers fits/);
  });

  it("is spoken of with `auto` only where there is one", () => {
    const cpu = { ...linux, folders: ["linux-x64"] };
    assert.equal(whyOnCpu(cpu, false), undefined);
    assert.match(whyOnCpu(cpu, true)!, /^There is an NVIDIA GPU, but .* no binary for CUDA.*\.$/);
    assert.match(whyOnCpu(place(false), true)!, /cannot be used.*`cuda` instead of `auto` says why\.$/);
    assert.equal(whyOnCpu({ ...mac, folders: ["mac-arm64-metal"] }, true), undefined);
  });
});
