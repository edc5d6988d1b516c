/** xorshift128+: small, fast and the same everywhere, so that a failure can be repeated. */
export class Random {
  private a: bigint;
  private b: bigint;

  constructor(seed: number) {
    this.a = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
    this.b = 0x2545f4914f6cdd1dn;
    for (let i = 0; i < 16; i++) {
      this.uint32();
    }
  }

  uint32(): number {
    const mask = (1n << 64n) - 1n;
    let x = this.a & mask;
    const y = this.b & mask;
    this.a = y;
    x ^= (x << 23n) & mask;
    x ^= x >> 17n;
    x ^= y ^ (y >> 26n);
    this.b = x & mask;
    return Number(((this.a + this.b) & mask) >> 32n);
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  integer(below: number): number {
    return Math.floor(this.uniform() * below);
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** `count` of the numbers below `below`, ascending. */
  subset(below: number, count: number): Int32Array {
    const all = Array.from({ length: below }, (_, i) => ({ i, key: this.uniform() }));
    all.sort((x, y) => x.key - y.key);
    return Int32Array.from(all.slice(0, count).map((x) => x.i)).sort();
  }
}
