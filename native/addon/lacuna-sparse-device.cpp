#include "lacuna-sparse-device.h"

#include "ggml-backend.h"
#include "ggml-sparse-ffn.h"

#include <cmath>
#include <cstring>

static ggml_type ggml_type_of(lacuna_down_type type) {
    switch (type) {
        case LACUNA_DOWN_Q8_0: return GGML_TYPE_Q8_0;
        case LACUNA_DOWN_Q4_0: return GGML_TYPE_Q4_0;
        case LACUNA_DOWN_F16:  return GGML_TYPE_F16;
        case LACUNA_DOWN_BF16: return GGML_TYPE_BF16;
        case LACUNA_DOWN_F32:  return GGML_TYPE_F32;
    }
    return GGML_TYPE_COUNT;
}

static void not_on_cpu(ggml_tensor *, int, int, void *) {
    GGML_ABORT("the sparse FFN of a device was given to the CPU");
}

static ggml_tensor * build_op(ggml_context * ctx, const lacuna_sparse_layout & layout, ggml_tensor * x, ggml_tensor * gate,
                              ggml_tensor * records, ggml_tensor * limit, ggml_tensor * counted, ggml_tensor * up_b) {
    ggml_tensor * args[] = { x, gate, records, limit, counted, up_b };

    ggml_tensor * res = ggml_custom_4d(ctx, GGML_TYPE_F32, layout.n_embd, x->ne[1], 1, 1, args, up_b ? 6 : 5, not_on_cpu, GGML_N_TASKS_MAX, nullptr);

    const ggml_sparse_ffn_params params = {
        /*.magic       =*/ GGML_SPARSE_FFN_MAGIC,
        /*.up_type     =*/ layout.up_type,
        /*.down_type   =*/ ggml_type_of(layout.down_type),
        /*.up_offset   =*/ (int32_t) layout.up_offset,
        /*.record_size =*/ (int32_t) layout.record_size,
        /*.n_row       =*/ (int32_t) records->ne[1],
    };
    memcpy(res->op_params + GGML_SPARSE_FFN_AT, &params, sizeof(params));

    return res;
}

bool lacuna_sparse_device_supported(ggml_backend_dev_t dev, const lacuna_sparse_layout & layout) {
    ggml_init_params params = { /*.mem_size =*/ 8*ggml_tensor_overhead(), /*.mem_buffer =*/ nullptr, /*.no_alloc =*/ true };
    ggml_context_ptr ctx { ggml_init(params) };

    const int64_t n_row = 32;

    const auto new_tensor = [&](ggml_type type, int64_t ne0, int64_t ne1) { return ggml_new_tensor_2d(ctx.get(), type, ne0, ne1); };

    const auto * op = build_op(ctx.get(), layout, new_tensor(GGML_TYPE_F32, layout.n_embd, 1), new_tensor(GGML_TYPE_F32, n_row, 1),
        new_tensor(GGML_TYPE_I8, layout.record_size, n_row), new_tensor(GGML_TYPE_F32, n_row, 1), new_tensor(GGML_TYPE_I64, 2, 1), nullptr);

    return ggml_backend_dev_supports_op(dev, op);
}

lacuna_sparse_device::lacuna_sparse_device(const lacuna_sparse_layout & layout, ggml_tensor * records, ggml_tensor * limit,
                                           ggml_tensor * counted, ggml_tensor * up_b) :
        layout(layout), records(records), limit(limit), counted(counted), up_b(up_b) {
    const int64_t zeros[2] = { 0, 0 };
    ggml_backend_tensor_set(counted, zeros, 0, sizeof(zeros));
}

void lacuna_sparse_device::set_threshold(float threshold, const std::vector<float> & weight) {
    std::vector<float> values(limit->ne[0], threshold);
    for (size_t i = 0; i < weight.size() && threshold > 0.0f; i++) {
        values[i] = weight[i] > 0.0f ? threshold/weight[i] : INFINITY;
    }
    ggml_backend_tensor_set(limit, values.data(), 0, ggml_nbytes(limit));
}

ggml_tensor * lacuna_sparse_device::build(ggml_context * ctx, ggml_tensor * x, ggml_tensor * gate) const {
    return build_op(ctx, layout, x, gate, records, limit, counted, up_b);
}

lacuna_sparse_counters lacuna_sparse_device::counters() const {
    uint64_t values[2];
    ggml_backend_tensor_get(counted, values, 0, sizeof(values));

    return { values[0], values[1] };
}
