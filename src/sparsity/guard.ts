/** The ratio is guarded, not believed: what a mask costs is measured on tokens of the same file. */

export interface CurvePoint {
  readonly activeRatio: number;
  /** Relative rise of the mean loss over dense. */
  readonly lossIncrease: number;
  /** Standard error of `lossIncrease`, which few tokens tell; absent: not known. */
  readonly uncertainty?: number;
  /** Share of positions where the masked model's first choice is the dense model's, 0..1. */
  readonly top1Agreement: number;
}

/** What the loss is promised not to exceed: in nine of ten files it is below the measured one and so many standard errors. */
const CAUTION = 1.28;

/** What an evaluation of the same tokens yields, `[n]` each. */
export interface Evaluation {
  /** ln p of each label, nats. */
  readonly logLikelihood: Float32Array;
  readonly top1: Int32Array;
}

/**
 * Relative rise of the mean loss: `(L_sparse - L_dense) / L_dense`. A dense loss of zero cannot rise relatively;
 * the rise is then 0 or infinite.
 */
export function lossIncrease(dense: Float32Array, sparse: Float32Array): number {
  requireSameLength(dense.length, sparse.length);
  const denseLoss = -mean(dense);
  const sparseLoss = -mean(sparse);
  const rise = sparseLoss - denseLoss;
  return denseLoss > 0 ? rise / denseLoss : rise > 0 ? Infinity : 0;
}

/** Standard error of {@link lossIncrease}: that of the mean difference at the same tokens, in relation to the dense loss. */
export function lossUncertainty(dense: Float32Array, sparse: Float32Array): number {
  requireSameLength(dense.length, sparse.length);
  const differences = dense.map((value, at) => value - sparse[at]!);
  const middle = mean(differences);
  const variance = mean(differences.map((value) => (value - middle) ** 2));
  const denseLoss = -mean(dense);
  return denseLoss > 0 && dense.length > 1 ? Math.sqrt(variance / (dense.length - 1)) / denseLoss : 0;
}

/** Share of positions with the same first choice. */
export function top1Agreement(dense: Int32Array, sparse: Int32Array): number {
  requireSameLength(dense.length, sparse.length);
  let same = 0;
  for (let i = 0; i < dense.length; i++) {
    same += dense[i] === sparse[i] ? 1 : 0;
  }
  return same / dense.length;
}

export function curvePoint(activeRatio: number, dense: Evaluation, sparse: Evaluation): CurvePoint {
  return {
    activeRatio,
    lossIncrease: lossIncrease(dense.logLikelihood, sparse.logLikelihood),
    uncertainty: lossUncertainty(dense.logLikelihood, sparse.logLikelihood),
    top1Agreement: top1Agreement(dense.top1, sparse.top1),
  };
}

/**
 * The smallest measured ratio that is within tolerance, as far as so few tokens can tell, together with every larger one: a single lucky
 * point below one that failed is not trusted. 1 (dense) when the largest already fails, or nothing was measured.
 */
export function chooseRatio(points: readonly CurvePoint[], maxLossIncrease: number): number {
  let chosen = 1;
  for (const point of [...points].sort((a, b) => b.activeRatio - a.activeRatio)) {
    // Written so that NaN fails.
    if (!(point.lossIncrease + CAUTION * (point.uncertainty ?? 0) <= maxLossIncrease)) {
      break;
    }
    chosen = point.activeRatio;
  }
  return chosen;
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function requireSameLength(a: number, b: number): void {
  if (a !== b || a === 0) {
    throw new RangeError(`evaluations of ${a} and ${b} positions cannot be compared`);
  }
}
