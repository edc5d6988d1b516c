#include "lacuna-transpose.h"

#include "lacuna-parallel.h"
#include "lacuna-weights.h"

#include <atomic>
#include <cstring>

static uint16_t to_bf16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));

    return (uint16_t) ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static float identity(float f) {
    return f;
}

// A tile is as many rows as fill one cache line of the destination, and as many columns as stay in the L2 cache
template <typename T, T (*convert)(float)>
static void transpose_tiles(const ggml_tensor * w, int64_t first, int64_t n_row, T * dst, int n_threads) {
    constexpr int64_t TILE_ROWS = 64/sizeof(T);
    constexpr int64_t TILE_COLS = 1024;

    const int64_t n_col  = w->ne[0];
    const int64_t n_tile = (n_row + TILE_ROWS - 1)/TILE_ROWS;

    std::atomic<int64_t> next { 0 };

    lacuna_parallel(n_threads, [&](int) {
        std::vector<float> tile(TILE_ROWS*TILE_COLS);

        for (int64_t i = next++; i < n_tile; i = next++) {
            const int64_t r0 = i*TILE_ROWS;
            const int64_t nr = std::min(TILE_ROWS, n_row - r0);

            for (int64_t c0 = 0; c0 < n_col; c0 += TILE_COLS) {
                const int64_t nc = std::min(TILE_COLS, n_col - c0);

                for (int64_t r = 0; r < nr; r++) {
                    lacuna_row_to_float(w, first + r0 + r, c0, nc, tile.data() + r*TILE_COLS);
                }
                for (int64_t c = 0; c < nc; c++) {
                    T * out = dst + (c0 + c)*n_row + r0;
                    for (int64_t r = 0; r < nr; r++) {
                        out[r] = convert(tile[r*TILE_COLS + c]);
                    }
                }
            }
        }
    });
}

void lacuna_transpose(const ggml_tensor * w, int64_t first, int64_t n_row, ggml_type dst_type, void * dst, int n_threads) {
    if (dst_type == GGML_TYPE_F32) {
        transpose_tiles<float, identity>(w, first, n_row, (float *) dst, n_threads);
    } else {
        GGML_ASSERT(dst_type == GGML_TYPE_BF16);
        transpose_tiles<uint16_t, to_bf16>(w, first, n_row, (uint16_t *) dst, n_threads);
    }
}
