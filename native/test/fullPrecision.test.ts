import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { compileProgram, LLAMA, programFolder, PROGRAM_ENV } from "./program";

/**
 * Attribution asks that no product be of less than F32 where its weights are F32, and ggml-cuda (patch 0015) and ggml-vulkan (0020) listen. What a GPU then
 * computes `npm run test:gpu` shows.
 */
describe("products of full precision", function () {
  this.timeout(120_000);
  const folder = programFolder();

  it("are asked for in every graph that attribution runs", () => {
    const program = path.join(folder(), "program");
    compileProgram(program, ["native/test/kernels/fullPrecision.cpp", "native/addon/lacuna-graph.cpp"]);
    const { status, stdout } = spawnSync(program, { encoding: "utf8", env: PROGRAM_ENV });
    assert.equal(status, 0, stdout);
  });

  it("are computed as such by ggml-cuda: neither by MMF nor with cuBLAS's TF32", () => {
    const source = readFileSync(`${LLAMA}/ggml/src/ggml-cuda/ggml-cuda.cu`, "utf8");
    assert.match(source, /if \(!ggml_cuda_mul_mat_is_full_f32\(dst\) && ggml_cuda_should_use_mmf\(/);
    assert.match(
      source,
      /if \(ggml_cuda_mul_mat_is_full_f32\(dst\)\) \{\s+CUBLAS_CHECK\(cublasSetMathMode\(ctx\.cublas_handle\(\), CUBLAS_DEFAULT_MATH\)\);/,
    );
  });

  it("are computed as such by ggml-vulkan: with the kernels of devices without F16", () => {
    const source = readFileSync(`${LLAMA}/ggml/src/ggml-vulkan/ggml-vulkan.cpp`, "utf8");
    assert.match(source, /"matmul_f32_f32_full", matmul_f32_f32_fp32_len, matmul_f32_f32_fp32_data/);
    assert.match(source, /mmp_map = full_f32 \?\s+&ctx->device->pipeline_matmul\.at\(/);
  });
});
