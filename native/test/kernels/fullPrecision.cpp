// Runs a graph as attribution runs its own and looks at its products while they are computed. Exits with 0 if all of them ask for full
// precision, and one that was made elsewhere does not.

#include "lacuna-graph.h"

#include "llama-model.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

static int n_seen  = 0;
static int n_asked = 0;

static bool asks(const ggml_tensor * t) {
    int32_t prec; // of src1: [TAG_GGML_PREC] of ggml-impl.h
    memcpy(&prec, (const char *) t->op_params + 3*sizeof(prec), sizeof(prec));

    return prec == GGML_PREC_F32;
}

static void look(ggml_tensor * dst, const ggml_tensor * a, int ith, int, void *) {
    if (ith == 0) {
        n_seen++;
        n_asked += a->op == GGML_OP_MUL_MAT && asks(a);
        memcpy(dst->data, a->data, ggml_nbytes(a));
    }
}

struct no_model : llama_model {
    no_model() : llama_model(llama_model_default_params()) {}

    void load_stats  (llama_model_loader &) override {}
    void load_hparams(llama_model_loader &) override {}
    void load_vocab  (llama_model_loader &) override {}
    bool load_tensors(llama_model_loader &) override { return true; }

    void load_arch_hparams(llama_model_loader &) override {}
    void load_arch_tensors(llama_model_loader &) override {}

    std::unique_ptr<llm_graph_context> build_arch_graph(const llm_graph_params &) const override { return nullptr; }
};

int main() {
    const no_model model;
    lacuna_runner runner(model, 1);

    const float ones[32*32] = { 1.0f };
    lacuna_values out;
    bool plain_asks = false;
    runner.run([&](lacuna_runner::io & g) {
        ggml_tensor * w = g.input(GGML_TYPE_F32, { 32, 32 }, ones);
        ggml_tensor * x = g.input(GGML_TYPE_F32, { 32, 4 },  ones);
        plain_asks = asks(ggml_mul_mat(g.ctx, w, x)); // as whoever else makes it
        for (int i = 0; i < 3; i++) {
            x = ggml_map_custom1(g.ctx, ggml_mul_mat(g.ctx, w, x), look, 1, nullptr);
        }
        g.output(x, out);
    });
    printf("%d of %d products ask for full precision, and elsewhere they %s\n", n_asked, n_seen, plain_asks ? "do" : "do not");

    return n_seen == 3 && n_asked == 3 && !plain_asks ? 0 : 1;
}
