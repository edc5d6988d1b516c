/** IEEE 754 binary16, which Node 20 has no typed array for. */

/** Nearest binary16, ties to even; overflow becomes infinity. */
export function toHalf(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) {
    return sign | 0x7c00 | (mantissa !== 0 ? 0x200 : 0);
  }
  const half = exponent - 112;
  if (half >= 31) {
    return sign | 0x7c00;
  }
  if (half <= 0) {
    // Subnormal: the implicit bit becomes explicit and is shifted out.
    return half < -10 ? sign : sign | roundShift(mantissa | 0x800000, 14 - half);
  }
  // A carry out of the mantissa correctly raises the exponent.
  return sign | ((half << 10) + roundShift(mantissa, 13));
}

export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0) {
    return sign * mantissa * 2 ** -24;
  }
  if (exponent === 31) {
    return mantissa === 0 ? sign * Infinity : NaN;
  }
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function roundShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return kept + (rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0);
}
