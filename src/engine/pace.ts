import { draftGain } from "../completion/drafts";
import type { Selection } from "../sparsity/mask";
import { selectNeurons } from "../sparsity/selection";
import { DocumentContext } from "./document";
import { applySelection, type Turns } from "./packing";
import type { Session } from "./session";

const PROMPT_TOKENS = 16;
const DRAFTED = 2;
/** The fastest of so many counts: others only tell what else the machine does. */
const ROUNDS = 4;

/**
 * Milliseconds for a generated token on this machine, with what drafts bring at what they cost here; `activeRatio` 1: dense. Which neurons are
 * read does not matter for that, only how many. Measured on a context of its own, one evaluation per turn at the gate.
 */
export async function measurePace(session: Session, activeRatio: number, turns: Turns): Promise<number> {
  const { gate, signal } = turns;
  const context = await DocumentContext.create(session.model, 2 * PROMPT_TOKENS, session.threads);
  try {
    if (activeRatio < 1) {
      await applySelection(session, context, anySelection(session, activeRatio), activeRatio, turns);
    }
    const [token, ...others] = session.tokenizer.tokenize(
      "for (let i = 0; i < count; i++) {\n  total += values[i];\n}",
    );
    const prompt = others.slice(0, PROMPT_TOKENS);
    const timed = (drafts: readonly number[]): Promise<number> =>
      gate.run(
        "background",
        async () => {
          context.rewind(prompt.length);
          const start = performance.now();
          await context.next([token!], drafts);
          return performance.now() - start;
        },
        signal,
      );
    await gate.run("background", () => context.feed(prompt), signal);
    let [alone, drafted] = [Infinity, Infinity];
    for (let round = 0; round < ROUNDS; round++) {
      alone = Math.min(alone, await timed([]));
      drafted = Math.min(drafted, await timed(prompt.slice(0, DRAFTED)));
    }
    return alone / draftGain((drafted / alone - 1) / DRAFTED);
  } finally {
    await context.dispose();
  }
}

/** That reads so much of the FFN. */
export function anySelection({ info, support }: Session, activeRatio: number): Selection {
  if (support === undefined) {
    throw new Error(info.denseOnly);
  }
  const ones = info.ffnSize.map((size) => new Float32Array(size).fill(1));
  if (support.planes === undefined) {
    const means = info.ffnSize.map((size) => new Float32Array(size));
    const options = { budget: "uniform", multiple: support.rowMultiple } as const;
    const scored = { scores: ones, contributions: ones, means };
    return { kind: "rows", layers: selectNeurons(scored, activeRatio, options) };
  }
  return { kind: "choice", layers: ones.map((one) => ({ gateWeights: one, downWeights: one })) };
}
