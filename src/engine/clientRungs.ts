/** How much of the processor an engine process uses. */
export interface Rung {
  readonly name: string;
  /** What the rung is without, as "runs … " in a sentence for the user. */
  readonly how: string;
  /** For the environment of the process; read by ggml (`native/patches/llama.cpp`). */
  readonly env: Readonly<Record<string, string>>;
}

/** The CPU variant of a portable build that runs on every processor of its kind, by platform and architecture, or by the latter. */
const PLAINEST: Readonly<Record<string, string>> = {
  x64: "x64",
  arm64: "armv8.0_1",
  "darwin-arm64": "apple_m1",
};

/**
 * From the fastest down. What ends a process of the first by a signal, a compiler's fault in the code of new instructions or a virtual machine that
 * promises more than it has, is most often in the code for repacked weights (AMX) or in one CPU variant. A native build has one variant only: its
 * last two rungs are the same.
 */
export function rungsFor(platform: string, arch: string): readonly [Rung, ...Rung[]] {
  const unpacked = { GGML_CPU_EXTRA_BUFTS: "0" };
  const variant = PLAINEST[`${platform}-${arch}`] ?? PLAINEST[arch];
  return [
    { name: "full", how: "with all that the processor has", env: {} },
    { name: "unpacked", how: "without repacked weights", env: unpacked },
    ...(variant === undefined
      ? []
      : [
          {
            name: "plainest",
            how: `with the plainest code (${variant})`,
            env: { ...unpacked, GGML_CPU_VARIANT: variant },
          },
        ]),
  ];
}
