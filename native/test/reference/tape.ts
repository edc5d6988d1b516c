/**
 * Reverse-mode differentiation over float64 matrices, row-major: the independent side of the gradient tests.
 * Shapes are `[rows, cols]`; a row is a token.
 */
export class Tensor {
  readonly grad: Float64Array;
  constructor(
    readonly rows: number,
    readonly cols: number,
    readonly values: Float64Array,
  ) {
    this.grad = new Float64Array(values.length);
  }
}

interface Weight {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float64Array;
}

export class Tape {
  private readonly steps: (() => void)[] = [];

  constant(rows: number, cols: number, values: Float64Array): Tensor {
    return new Tensor(rows, cols, values);
  }

  /** d(sum of out · seed)/d(everything); `seed` has the shape of `out`. */
  backward(out: Tensor, seed: Float64Array): void {
    out.grad.set(seed);
    for (let i = this.steps.length - 1; i >= 0; i--) {
      this.steps[i]!();
    }
  }

  private node(rows: number, cols: number, values: Float64Array, back: (out: Tensor) => void): Tensor {
    const out = new Tensor(rows, cols, values);
    this.steps.push(() => back(out));
    return out;
  }

  /** x · Wᵀ with a constant W. */
  linear(x: Tensor, w: Weight): Tensor {
    const values = new Float64Array(x.rows * w.rows);
    for (let t = 0; t < x.rows; t++) {
      for (let o = 0; o < w.rows; o++) {
        let sum = 0;
        for (let i = 0; i < w.cols; i++) {
          sum += x.values[t * w.cols + i]! * w.values[o * w.cols + i]!;
        }
        values[t * w.rows + o] = sum;
      }
    }
    return this.node(x.rows, w.rows, values, (out) => {
      for (let t = 0; t < x.rows; t++) {
        for (let o = 0; o < w.rows; o++) {
          const g = out.grad[t * w.rows + o]!;
          for (let i = 0; i < w.cols; i++) {
            x.grad[t * w.cols + i]! += g * w.values[o * w.cols + i]!;
          }
        }
      }
    });
  }

  /** A · Bᵀ (`[n, d]`, `[m, d]` → `[n, m]`). */
  matmulT(a: Tensor, b: Tensor): Tensor {
    const values = new Float64Array(a.rows * b.rows);
    for (let i = 0; i < a.rows; i++) {
      for (let j = 0; j < b.rows; j++) {
        for (let d = 0; d < a.cols; d++) {
          values[i * b.rows + j]! += a.values[i * a.cols + d]! * b.values[j * a.cols + d]!;
        }
      }
    }
    return this.node(a.rows, b.rows, values, (out) => {
      for (let i = 0; i < a.rows; i++) {
        for (let j = 0; j < b.rows; j++) {
          const g = out.grad[i * b.rows + j]!;
          for (let d = 0; d < a.cols; d++) {
            a.grad[i * a.cols + d]! += g * b.values[j * a.cols + d]!;
            b.grad[j * a.cols + d]! += g * a.values[i * a.cols + d]!;
          }
        }
      }
    });
  }

  /** A · B (`[n, m]`, `[m, d]` → `[n, d]`). */
  matmul(a: Tensor, b: Tensor): Tensor {
    const values = new Float64Array(a.rows * b.cols);
    const each = (f: (i: number, j: number, d: number) => void): void => {
      for (let i = 0; i < a.rows; i++) {
        for (let j = 0; j < a.cols; j++) {
          for (let d = 0; d < b.cols; d++) {
            f(i, j, d);
          }
        }
      }
    };
    each((i, j, d) => (values[i * b.cols + d]! += a.values[i * a.cols + j]! * b.values[j * b.cols + d]!));
    return this.node(a.rows, b.cols, values, (out) =>
      each((i, j, d) => {
        const g = out.grad[i * b.cols + d]!;
        a.grad[i * a.cols + j]! += g * b.values[j * b.cols + d]!;
        b.grad[j * b.cols + d]! += g * a.values[i * a.cols + j]!;
      }),
    );
  }

  add(a: Tensor, b: Tensor): Tensor {
    return this.node(
      a.rows,
      a.cols,
      a.values.map((v, i) => v + b.values[i]!),
      (out) => {
        out.grad.forEach((g, i) => {
          a.grad[i]! += g;
          b.grad[i]! += g;
        });
      },
    );
  }

  addRow(a: Tensor, row: Float64Array): Tensor {
    return this.node(
      a.rows,
      a.cols,
      a.values.map((v, i) => v + row[i % a.cols]!),
      (out) => {
        out.grad.forEach((g, i) => (a.grad[i]! += g));
      },
    );
  }

  mul(a: Tensor, b: Tensor): Tensor {
    return this.node(
      a.rows,
      a.cols,
      a.values.map((v, i) => v * b.values[i]!),
      (out) => {
        out.grad.forEach((g, i) => {
          a.grad[i]! += g * b.values[i]!;
          b.grad[i]! += g * a.values[i]!;
        });
      },
    );
  }

  /** Scales the rows from `first` on. */
  scaleRows(a: Tensor, scale: number, first: number): Tensor {
    const factor = (i: number): number => (i >= first * a.cols ? scale : 1);
    return this.node(
      a.rows,
      a.cols,
      a.values.map((v, i) => v * factor(i)),
      (out) => {
        out.grad.forEach((g, i) => (a.grad[i]! += g * factor(i)));
      },
    );
  }

  private map(a: Tensor, f: (v: number) => number, derivative: (v: number) => number): Tensor {
    return this.node(a.rows, a.cols, a.values.map(f), (out) => {
      out.grad.forEach((g, i) => (a.grad[i]! += g * derivative(a.values[i]!)));
    });
  }

  silu(a: Tensor): Tensor {
    const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
    return this.map(
      a,
      (v) => v * sigmoid(v),
      (v) => sigmoid(v) + v * sigmoid(v) * (1 - sigmoid(v)),
    );
  }

  /** In the form with tanh (arXiv 1606.08415). */
  gelu(a: Tensor): Tensor {
    const root = Math.sqrt(2 / Math.PI);
    const tanh = (v: number): number => Math.tanh(root * (v + 0.044715 * v ** 3));
    return this.map(
      a,
      (v) => 0.5 * v * (1 + tanh(v)),
      (v) => 0.5 * (1 + tanh(v)) + 0.5 * v * (1 - tanh(v) ** 2) * root * (1 + 3 * 0.044715 * v ** 2),
    );
  }

  scale(a: Tensor, factor: number): Tensor {
    return this.map(
      a,
      (v) => factor * v,
      () => factor,
    );
  }

  /** cap · tanh(a / cap) */
  cap(a: Tensor, cap: number): Tensor {
    return this.map(
      a,
      (v) => cap * Math.tanh(v / cap),
      (v) => 1 - Math.tanh(v / cap) ** 2,
    );
  }

  /** Each group of `size` columns less its mean. */
  private centre(a: Tensor, size: number): Tensor {
    const centred = (values: Float64Array): Float64Array => {
      const res = Float64Array.from(values);
      for (let from = 0; from < values.length; from += size) {
        const group = res.subarray(from, from + size);
        const mean = group.reduce((sum, v) => sum + v, 0) / size;
        group.forEach((v, i) => (group[i] = v - mean));
      }
      return res;
    };
    return this.node(a.rows, a.cols, centred(a.values), (out) =>
      centred(out.grad).forEach((g, i) => (a.grad[i]! += g)),
    );
  }

  /** Layer norm over groups of `size` columns; the weights are those of the row from its beginning, again and again. */
  layerNorm(a: Tensor, weight: Float64Array, size: number, eps: number): Tensor {
    return this.rmsNorm(this.centre(a, size), weight, size, eps);
  }

  /** RMS norm, likewise (all columns, or one head at a time). */
  rmsNorm(a: Tensor, weight: Float64Array, n: number, eps: number): Tensor {
    const groups = a.values.length / n;
    const values = new Float64Array(a.values.length);
    const inverse = new Float64Array(groups);
    const w = (r: number, i: number): number => weight[(r * n + i) % weight.length]!;
    for (let r = 0; r < groups; r++) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        sum += a.values[r * n + i]! ** 2;
      }
      inverse[r] = 1 / Math.sqrt(sum / n + eps);
      for (let i = 0; i < n; i++) {
        values[r * n + i] = a.values[r * n + i]! * inverse[r]! * w(r, i);
      }
    }
    return this.node(a.rows, a.cols, values, (out) => {
      for (let r = 0; r < groups; r++) {
        let dot = 0;
        for (let i = 0; i < n; i++) {
          dot += out.grad[r * n + i]! * w(r, i) * a.values[r * n + i]!;
        }
        for (let i = 0; i < n; i++) {
          a.grad[r * n + i]! +=
            inverse[r]! * out.grad[r * n + i]! * w(r, i) -
            (a.values[r * n + i]! * dot * inverse[r]! ** 3) / n;
        }
      }
    });
  }

  slice(a: Tensor, from: number, cols: number): Tensor {
    const values = new Float64Array(a.rows * cols);
    for (let t = 0; t < a.rows; t++) {
      values.set(a.values.subarray(t * a.cols + from, t * a.cols + from + cols), t * cols);
    }
    return this.node(a.rows, cols, values, (out) => {
      out.grad.forEach((g, i) => (a.grad[Math.floor(i / cols) * a.cols + from + (i % cols)]! += g));
    });
  }

  concat(parts: readonly Tensor[]): Tensor {
    const rows = parts[0]!.rows;
    const cols = parts.reduce((sum, p) => sum + p.cols, 0);
    const values = new Float64Array(rows * cols);
    const each = (f: (part: Tensor, source: number, target: number) => void): void => {
      let from = 0;
      for (const part of parts) {
        for (let i = 0; i < part.values.length; i++) {
          f(part, i, Math.floor(i / part.cols) * cols + from + (i % part.cols));
        }
        from += part.cols;
      }
    };
    each((part, source, target) => (values[target] = part.values[source]!));
    return this.node(rows, cols, values, (out) =>
      each((part, source, target) => (part.grad[source]! += out.grad[target]!)),
    );
  }

  /** Rotates `count` pairs of columns of one head by `angle(position, pair)`; `pair(i)` names the columns of pair i, and multiplies them. Others stay. */
  rotate(
    a: Tensor,
    count: number,
    pair: (i: number) => [number, number],
    angle: (t: number, i: number) => number,
    factor = 1,
  ): Tensor {
    const turned = (from: Float64Array, direction: 1 | -1): Float64Array => {
      const to = Float64Array.from(from);
      for (let t = 0; t < a.rows; t++) {
        for (let i = 0; i < count; i++) {
          const [x, y] = pair(i).map((column) => t * a.cols + column) as [number, number];
          const theta = direction * angle(t, i);
          to[x] = factor * (from[x]! * Math.cos(theta) - from[y]! * Math.sin(theta));
          to[y] = factor * (from[x]! * Math.sin(theta) + from[y]! * Math.cos(theta));
        }
      }
      return to;
    };
    return this.node(a.rows, a.cols, turned(a.values, 1), (out) =>
      turned(out.grad, -1).forEach((g, i) => (a.grad[i]! += g)),
    );
  }

  /** Softmax of `scale · a` over the columns up to the row's own (causal), the last `window` of them. */
  causalSoftmax(a: Tensor, scale: number, window = Infinity): Tensor {
    const values = new Float64Array(a.values.length);
    const first = (t: number): number => Math.max(0, t + 1 - window);
    for (let t = 0; t < a.rows; t++) {
      let sum = 0;
      let max = -Infinity;
      for (let j = first(t); j <= t; j++) {
        max = Math.max(max, scale * a.values[t * a.cols + j]!);
      }
      for (let j = first(t); j <= t; j++) {
        sum += values[t * a.cols + j] = Math.exp(scale * a.values[t * a.cols + j]! - max);
      }
      for (let j = first(t); j <= t; j++) {
        values[t * a.cols + j]! /= sum;
      }
    }
    return this.node(a.rows, a.cols, values, (out) => {
      for (let t = 0; t < a.rows; t++) {
        let dot = 0;
        for (let j = first(t); j <= t; j++) {
          dot += out.grad[t * a.cols + j]! * out.values[t * a.cols + j]!;
        }
        for (let j = first(t); j <= t; j++) {
          const i = t * a.cols + j;
          a.grad[i]! += scale * out.values[i]! * (out.grad[i]! - dot);
        }
      }
    });
  }

  /** ln softmax(a)[row, label[row]] as one column. */
  logLikelihood(a: Tensor, labels: readonly (number | undefined)[]): Tensor {
    const values = new Float64Array(a.rows);
    const probabilities = new Float64Array(a.values.length);
    for (let t = 0; t < a.rows; t++) {
      const row = a.values.subarray(t * a.cols, (t + 1) * a.cols);
      const max = row.reduce((m, v) => Math.max(m, v), -Infinity);
      const sum = row.reduce((s, v) => s + Math.exp(v - max), 0);
      row.forEach((v, j) => (probabilities[t * a.cols + j] = Math.exp(v - max) / sum));
      const label = labels[t];
      values[t] = label === undefined ? 0 : row[label]! - max - Math.log(sum);
    }
    return this.node(a.rows, 1, values, (out) => {
      for (let t = 0; t < a.rows; t++) {
        if (labels[t] !== undefined) {
          for (let j = 0; j < a.cols; j++) {
            const i = t * a.cols + j;
            a.grad[i]! += out.grad[t]! * ((j === labels[t] ? 1 : 0) - probabilities[i]!);
          }
        }
      }
    });
  }
}
