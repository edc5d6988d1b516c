import { chooseRatio, curvePoint, type CurvePoint } from "../sparsity/guard";
import type { LayerMask } from "../sparsity/mask";
import { throwIfAborted } from "./abort";
import { DocumentContext } from "./document";
import type { Gate } from "./gate";
import { packRows } from "./packing";
import type { Session } from "./session";

export interface Measurement {
  /** As fed to the model. */
  readonly tokens: readonly number[];
  /** Tokens before this position are dense context; those after it are predicted by the masked model. */
  readonly denseUntil: number;
  /** From the largest down. */
  readonly ratios: readonly number[];
  /** Stop below the first ratio that loses more. */
  readonly maxLossIncrease: number;
  readonly select: (ratio: number) => readonly LayerMask[];
}

/**
 * What masks cost on held-out tokens. Runs on a context of its own, beside completions rather than before them: one
 * evaluation is too long to wait for.
 */
export async function measureCurve(
  session: Session,
  { tokens, denseUntil, ratios, maxLossIncrease, select }: Measurement,
  gate: Gate,
  signal: AbortSignal,
  onProgress: (fraction: number) => void,
): Promise<CurvePoint[]> {
  const options = { from: denseUntil, denseUntil };
  const context = await DocumentContext.create(session.model, tokens.length + 1, session.threads);
  try {
    const dense = await context.evaluate(tokens, options);
    const points: CurvePoint[] = [];
    for (const [index, ratio] of ratios.entries()) {
      throwIfAborted(signal);
      await packRows(context, select(ratio), ratio, gate, signal);
      points.push(curvePoint(ratio, dense, await context.evaluate(tokens, options)));
      onProgress((index + 1) / ratios.length);
      if (chooseRatio(points, maxLossIncrease) !== ratio) {
        break;
      }
    }
    return points;
  } finally {
    await context.dispose();
  }
}
