import type { LlamaServer } from "../common/llamaServer";
import {
  asksAt,
  infillBody,
  inputOf,
  keptOf,
  LINES_AFTER,
  LINES_BEFORE,
  shownOf,
} from "../latency/llamaVscodeRules";
import type { SimulatedEditor } from "../latency/simulatedEditor";
import type { TextCase } from "./cases";
import type { Shown } from "./measures";
import type { TextSystem } from "./textSystem";

export interface RivalOptions {
  /** Of its sampler, which llama.vscode leaves to chance. */
  readonly seed: number;
  /** The most likely token each time, rather than its sampler's. */
  readonly greedy: boolean;
}

/** No limits in time: what is written is the same on any machine. llama.vscode's own, a second, is enough for the most that it asks for. */
const WITHOUT_LIMITS = { t_max_prompt_ms: 0, t_max_predict_ms: 0 };

const NOTHING: Shown = { text: "", replaced: 0 };

/** llama.vscode with stock llama-server: its prompt, its request, and what it shows of the answer. */
export class LlamaVscodeText implements TextSystem {
  constructor(
    private readonly server: LlamaServer,
    private readonly options: RivalOptions,
  ) {}

  async suggest(editor: SimulatedEditor, _asked: TextCase, signal: AbortSignal): Promise<Shown> {
    const around = editor.surroundings(LINES_BEFORE, LINES_AFTER);
    if (!asksAt(around)) {
      return NOTHING;
    }
    const { seed, greedy } = this.options;
    const body = {
      ...infillBody(inputOf(around), []),
      ...WITHOUT_LIMITS,
      seed,
      ...(greedy ? { top_k: 1 } : {}),
    };
    const { content } = await this.server.infill(body, signal);
    const kept = keptOf(content, around);
    // It inserts, whatever stands right of the cursor.
    return kept === undefined ? NOTHING : { text: shownOf(kept, around), replaced: 0 };
  }

  dispose(): Promise<void> {
    return this.server.dispose();
  }
}
