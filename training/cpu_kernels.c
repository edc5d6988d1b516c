/* Fused element-wise kernels for training on a CPU; PyTorch's own pass over memory once per operation.
 *
 * Tensors are contiguous. bfloat16 values are the upper halves of floats. Every function runs on the calling thread.
 * Built on first use by cpu_kernels.py: cc -O3 -march=native -ffast-math -shared -fPIC. */
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

static inline float widen(bf16 value) {
    uint32_t bits = (uint32_t) value << 16;
    float    result;
    memcpy(&result, &bits, 4);
    return result;
}

static inline bf16 narrow(float value) { /* round to nearest even */
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return (bf16) ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/* out = silu(gate) * up */
void swiglu_forward(const bf16 * restrict gate, const bf16 * restrict up, bf16 * restrict out, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        float g = widen(gate[i]);
        out[i]  = narrow(g / (1.0f + expf(-g)) * widen(up[i]));
    }
}

void swiglu_backward(const bf16 * restrict grad, const bf16 * restrict gate, const bf16 * restrict up,
                     bf16 * restrict grad_gate, bf16 * restrict grad_up, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        float g = widen(gate[i]), d = widen(grad[i]);
        float sigmoid = 1.0f / (1.0f + expf(-g));
        grad_up[i]    = narrow(d * g * sigmoid);
        grad_gate[i]  = narrow(d * widen(up[i]) * sigmoid * (1.0f + g * (1.0f - sigmoid)));
    }
}

/* Cross-entropy of logits [rows, width] against targets (negative: not counted). Returns the summed loss in nats and
 * overwrites the logits with scale * d(sum)/d(logits). */
double cross_entropy(bf16 * restrict logits, const int64_t * restrict targets, int64_t rows, int64_t width, float scale) {
    double total = 0;
    for (int64_t r = 0; r < rows; r++) {
        bf16 * restrict row = logits + r * width;
        if (targets[r] < 0) {
            memset(row, 0, width * sizeof(bf16));
            continue;
        }
        float largest = -3e38f, sum = 0;
        for (int64_t i = 0; i < width; i++) {
            float v = widen(row[i]);
            largest = v > largest ? v : largest;
        }
        float label = widen(row[targets[r]]);
        for (int64_t i = 0; i < width; i++) {
            sum += expf(widen(row[i]) - largest);
        }
        float shift = largest + logf(sum);
        total += shift - label;
        for (int64_t i = 0; i < width; i++) {
            row[i] = narrow(scale * expf(widen(row[i]) - shift));
        }
        row[targets[r]] = narrow(scale * (expf(label - shift) - 1.0f));
    }
    return total;
}

/* Causal softmax in place: scores [matrices, length, length] -> probabilities of softmax(scale * scores), zero above the diagonal. */
void causal_softmax_forward(bf16 * restrict scores, int64_t matrices, int64_t length, float scale) {
    for (int64_t r = 0; r < matrices * length; r++) {
        bf16 * restrict row = scores + r * length;
        int64_t visible = r % length + 1;
        float   largest = -3e38f, sum = 0;
        for (int64_t i = 0; i < visible; i++) {
            float v = widen(row[i]);
            largest = v > largest ? v : largest;
        }
        for (int64_t i = 0; i < visible; i++) {
            sum += expf(scale * (widen(row[i]) - largest));
        }
        float inverse = 1.0f / sum;
        for (int64_t i = 0; i < visible; i++) {
            row[i] = narrow(inverse * expf(scale * (widen(row[i]) - largest)));
        }
        memset(row + visible, 0, (length - visible) * sizeof(bf16));
    }
}

/* grad (of the probabilities) is overwritten with the gradient of the unscaled scores. */
void causal_softmax_backward(bf16 * restrict grad, const bf16 * restrict probabilities, int64_t matrices, int64_t length, float scale) {
    for (int64_t r = 0; r < matrices * length; r++) {
        bf16 * restrict       d = grad + r * length;
        const bf16 * restrict p = probabilities + r * length;
        int64_t visible = r % length + 1;
        float   dot     = 0;
        for (int64_t i = 0; i < visible; i++) {
            dot += widen(d[i]) * widen(p[i]);
        }
        for (int64_t i = 0; i < visible; i++) {
            d[i] = narrow(scale * widen(p[i]) * (widen(d[i]) - dot));
        }
        memset(d + visible, 0, (length - visible) * sizeof(bf16));
    }
}

/* out = x / rms(x) * weight for x [rows, width]; keeps 1 / rms(x) in inverse [rows]. */
void rms_norm_forward(const float * restrict x, const float * restrict weight, bf16 * restrict out, float * restrict inverse,
                      int64_t rows, int64_t width, float eps) {
    for (int64_t r = 0; r < rows; r++) {
        const float * restrict row = x + r * width;
        float sum = 0;
        for (int64_t i = 0; i < width; i++) {
            sum += row[i] * row[i];
        }
        float factor = 1.0f / sqrtf(sum / width + eps);
        inverse[r]   = factor;
        for (int64_t i = 0; i < width; i++) {
            out[r * width + i] = narrow(row[i] * factor * weight[i]);
        }
    }
}

/* grad_weight is added to. */
void rms_norm_backward(const bf16 * restrict grad, const float * restrict x, const float * restrict weight, const float * restrict inverse,
                       float * restrict grad_x, float * restrict grad_weight, int64_t rows, int64_t width) {
    for (int64_t r = 0; r < rows; r++) {
        const float * restrict row = x + r * width;
        const bf16 * restrict  d   = grad + r * width;
        float dot = 0, factor = inverse[r];
        for (int64_t i = 0; i < width; i++) {
            float g = widen(d[i]) * row[i] * factor;
            grad_weight[i] += g;
            dot += g * weight[i];
        }
        dot /= width;
        for (int64_t i = 0; i < width; i++) {
            grad_x[r * width + i] = factor * (widen(d[i]) * weight[i] - row[i] * factor * dot);
        }
    }
}

/* From a projection x [batch, length, heads * size] to rotated heads out [batch, heads * repeat, length, size], every head
 * repeated for its group; halves rotate against each other. cosine and sine [length, size / 2]; sign -1 undoes a rotation. */
void rotate_forward(const bf16 * restrict x, const float * restrict cosine, const float * restrict sine, bf16 * restrict out,
                    int64_t batch, int64_t length, int64_t heads, int64_t size, int64_t repeat, int64_t rotate) {
    int64_t half = size / 2;
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t h = 0; h < heads * repeat; h++) {
            for (int64_t t = 0; t < length; t++) {
                const bf16 * restrict from = x + ((b * length + t) * heads + h / repeat) * size;
                bf16 * restrict       to   = out + ((b * heads * repeat + h) * length + t) * size;
                if (!rotate) {
                    memcpy(to, from, size * sizeof(bf16));
                    continue;
                }
                const float * restrict c = cosine + t * half;
                const float * restrict s = sine + t * half;
                for (int64_t i = 0; i < half; i++) {
                    float first = widen(from[i]), second = widen(from[half + i]);
                    to[i]        = narrow(first * c[i] - second * s[i]);
                    to[half + i] = narrow(second * c[i] + first * s[i]);
                }
            }
        }
    }
}

/* The transpose of rotate_forward: grad [batch, heads * repeat, length, size] -> out [batch, length, heads * size]. */
void rotate_backward(const bf16 * restrict grad, const float * restrict cosine, const float * restrict sine, bf16 * restrict out,
                     int64_t batch, int64_t length, int64_t heads, int64_t size, int64_t repeat, int64_t rotate) {
    int64_t half = size / 2;
    float   sum[1024];
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t t = 0; t < length; t++) {
            for (int64_t h = 0; h < heads; h++) {
                for (int64_t i = 0; i < size; i++) {
                    sum[i] = 0;
                }
                for (int64_t k = 0; k < repeat; k++) {
                    const bf16 * restrict from = grad + (((b * heads + h) * repeat + k) * length + t) * size;
                    for (int64_t i = 0; i < size; i++) {
                        sum[i] += widen(from[i]);
                    }
                }
                bf16 * restrict        to = out + ((b * length + t) * heads + h) * size;
                const float * restrict c  = cosine + t * half;
                const float * restrict s  = sine + t * half;
                for (int64_t i = 0; i < half; i++) {
                    float first = sum[i], second = sum[half + i];
                    to[i]        = narrow(rotate ? first * c[i] + second * s[i] : first);
                    to[half + i] = narrow(rotate ? second * c[i] - first * s[i] : second);
                }
            }
        }
    }
}
