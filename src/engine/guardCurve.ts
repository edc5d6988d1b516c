import { chooseRatio, curvePoint, type CurvePoint, type Evaluation } from "../sparsity/guard";
import type { Selection } from "../sparsity/mask";
import { throwIfAborted } from "./abort";
import { DocumentContext } from "./document";
import type { Gate } from "./gate";
import { applySelection } from "./packing";
import type { Session } from "./session";

export interface Measurement {
  /** As fed to the model. */
  readonly tokens: readonly number[];
  /** Tokens before this position are dense context; those after it are predicted by the masked model. */
  readonly denseUntil: number;
  /** Shares to measure, from the most that is read to the least. */
  readonly candidates: readonly number[];
  /** Stop below the first that loses more. */
  readonly maxLossIncrease: number;
  readonly select: (activeRatio: number) => Selection;
}

/** Tokens evaluated in one turn at the gate: no completion waits longer. */
const STEP = 16;

/**
 * What masks cost on held-out tokens, measured on a context of its own in steps between completions. The dense
 * context is evaluated once for all ratios.
 */
export async function measureCurve(
  session: Session,
  { tokens, denseUntil, candidates, maxLossIncrease, select }: Measurement,
  gate: Gate,
  signal: AbortSignal,
  onProgress: (fraction: number) => void,
): Promise<CurvePoint[]> {
  const context = await DocumentContext.create(session.model, tokens.length + 1, session.threads);
  try {
    for (let at = 0; at < denseUntil; at += STEP) {
      const step = tokens.slice(at, Math.min(at + STEP, denseUntil));
      await gate.run("background", () => context.feed(step), signal);
    }
    const dense = await scoreRest(context, tokens, denseUntil, gate, signal);
    const points: CurvePoint[] = [];
    for (const [index, activeRatio] of candidates.entries()) {
      await applySelection(session, context, select(activeRatio), activeRatio, { gate, signal });
      points.push(curvePoint(activeRatio, dense, await scoreRest(context, tokens, denseUntil, gate, signal)));
      onProgress((index + 1) / candidates.length);
      if (chooseRatio(points, maxLossIncrease) !== activeRatio) {
        break;
      }
    }
    return points;
  } finally {
    await context.dispose();
  }
}

/** Scores every token after `denseUntil`, each predicted from the one before it. */
async function scoreRest(
  context: DocumentContext,
  tokens: readonly number[],
  denseUntil: number,
  gate: Gate,
  signal: AbortSignal,
): Promise<Evaluation> {
  context.rewind(denseUntil);
  const parts: Evaluation[] = [];
  for (let at = denseUntil; at < tokens.length - 1; at += STEP) {
    const end = Math.min(at + STEP, tokens.length - 1);
    const score = (): Promise<Evaluation> =>
      context.score(tokens.slice(at, end), tokens.slice(at + 1, end + 1));
    parts.push(await gate.run("background", score, signal));
    throwIfAborted(signal);
  }
  return {
    logLikelihood: Float32Array.from(parts.flatMap(({ logLikelihood }) => [...logLikelihood])),
    top1: Int32Array.from(parts.flatMap(({ top1 }) => [...top1])),
  };
}
