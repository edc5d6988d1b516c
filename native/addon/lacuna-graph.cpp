#include "lacuna-graph.h"

#include "llama-model.h"

#include <stdexcept>

static constexpr size_t MAX_NODES = 1024;

ggml_tensor * lacuna_runner::io::input(ggml_type type, std::initializer_list<int64_t> ne, const void * data) {
    ggml_tensor * t = ggml_new_tensor(ctx, type, (int) ne.size(), ne.begin());
    ggml_set_input(t);
    inputs.emplace_back(t, data);

    return t;
}

void lacuna_runner::io::output(ggml_tensor * t, lacuna_values & dst) {
    // the allocator may give away the memory under a view, even if the view is an output
    if (t->type != GGML_TYPE_F32) {
        t = ggml_cast(ctx, t, GGML_TYPE_F32);
    } else if (t->view_src) {
        t = ggml_cont(ctx, t);
    }
    ggml_set_output(t);
    ggml_build_forward_expand(gf, t);
    outputs.emplace_back(t, &dst);
}

void lacuna_runner::io::store(ggml_tensor * t, ggml_tensor * dst) {
    ggml_build_forward_expand(gf, ggml_cpy(ctx, t, dst));
}

void lacuna_keep_f32(ggml_cgraph * gf) {
    for (int i = 0; i < ggml_graph_n_nodes(gf); i++) {
        ggml_tensor * t = ggml_graph_node(gf, i);
        if (t->op == GGML_OP_MUL_MAT) {
            ggml_prec_set_src(t, GGML_PREC_F32, 1);
        }
    }
}

lacuna_runner::lacuna_runner(const llama_model & model, int n_threads) {
    for (const auto & device : model.devices) {
        backends.emplace_back(ggml_backend_dev_init(device.dev, nullptr));
    }
    backends.emplace_back(ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr));

    std::vector<ggml_backend_t> list;
    for (const auto & backend : backends) {
        if (!backend) {
            throw std::runtime_error("a compute device cannot be opened");
        }
        auto * reg = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend.get()));
        auto * set_n_threads = (ggml_backend_set_n_threads_t) ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads");
        if (set_n_threads) {
            set_n_threads(backend.get(), n_threads);
        }
        list.push_back(backend.get());
    }
    sched.reset(ggml_backend_sched_new(list.data(), nullptr, (int) list.size(), MAX_NODES, /*parallel =*/ false, /*op_offload =*/ true));
}

void lacuna_runner::run(const std::function<void(io &)> & build) {
    ggml_init_params params = {
        /*.mem_size   =*/ ggml_tensor_overhead()*MAX_NODES + ggml_graph_overhead_custom(MAX_NODES, false),
        /*.mem_buffer =*/ nullptr,
        /*.no_alloc   =*/ true,
    };
    ggml_context_ptr ctx { ggml_init(params) };

    io io { ctx.get(), ggml_new_graph_custom(ctx.get(), MAX_NODES, false), {}, {} };
    build(io);
    lacuna_keep_f32(io.gf);

    ggml_backend_sched_reset(sched.get());
    if (!ggml_backend_sched_alloc_graph(sched.get(), io.gf)) {
        throw std::runtime_error("not enough memory for attribution; a smaller window needs less");
    }
    for (auto & [t, data] : io.inputs) {
        if (t->buffer) { // unused inputs are not allocated
            ggml_backend_tensor_set(t, data, 0, ggml_nbytes(t));
        }
    }
    if (ggml_backend_sched_graph_compute(sched.get(), io.gf) != GGML_STATUS_SUCCESS) {
        throw std::runtime_error("the compute device failed during attribution");
    }
    for (auto & [t, dst] : io.outputs) {
        dst->n = ggml_nelements(t);
        if (ggml_backend_buffer_is_host(t->buffer)) {
            dst->ptr = (const float *) t->data;
        } else {
            dst->copy.resize(dst->n);
            ggml_backend_tensor_get(t, dst->copy.data(), 0, ggml_nbytes(t));
            dst->ptr = dst->copy.data();
        }
    }
}

ggml_backend_buffer_type_t lacuna_runner::buft() const {
    return ggml_backend_get_default_buffer_type(backends.front().get());
}

bool lacuna_runner::supports_mul_mat(ggml_type type) const {
    ggml_init_params params = { /*.mem_size =*/ ggml_tensor_overhead()*4, /*.mem_buffer =*/ nullptr, /*.no_alloc =*/ true };
    ggml_context_ptr ctx { ggml_init(params) };

    ggml_tensor * a = ggml_new_tensor_2d(ctx.get(), type,          256, 256);
    ggml_tensor * b = ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, 256, 256);

    return ggml_backend_supports_op(backends.front().get(), ggml_mul_mat(ctx.get(), a, b));
}

size_t lacuna_runner::compute_bytes() const {
    size_t res = 0;
    for (const auto & backend : backends) {
        res += ggml_backend_sched_get_buffer_size(sched.get(), backend.get());
    }
    return res;
}
