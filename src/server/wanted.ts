import { EngineFailure } from "../engine/errors";
import type { ServerKind } from "./backend";

/** What a person wants of a server. */
export interface Wanted {
  /** `auto`: asks until one answers as it should. */
  readonly kind: ServerKind | "auto";
  /** One of the models that the server offers; "": the only one. */
  readonly model: string;
  /** A family of `completion/fim`, `suffix` for the server's own way, or `auto`. */
  readonly fim: string;
  /** Tokens that a prompt is made for, at most. */
  readonly contextSize: number;
}

/** The model to use of those that a server offers. @throws {@link EngineFailure} that names them when there is a choice */
export function chooseServed(shown: string, wanted: string, offered: readonly string[]): string {
  const found =
    wanted === ""
      ? offered.length === 1
        ? offered[0]
        : undefined
      : offered.find((one) => one === wanted || one === `${wanted}:latest`);
  if (found !== undefined) {
    return found;
  }
  const list = offered.length === 0 ? "It offers none." : `It offers ${offered.slice(0, 12).join(", ")}.`;
  throw new EngineFailure(
    "server-refused",
    wanted === ""
      ? `Name the model of ${shown} in lacuna.serverModel. ${list}`
      : `${shown} has no model ${wanted}. ${list}`,
  );
}
