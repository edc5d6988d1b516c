import type { Generated } from "../../../completion/inFlight";
import type { Place } from "../../../completion/place";
import { Shaper } from "../../../completion/shaper";
import { Suggester, type Wish } from "../../../completion/suggester";
import type { Syntax } from "../../../completion/syntaxTree";
import { whyNotHere } from "../../../completion/trigger";
import { EngineClient, forkEngine, unwrap } from "../../../engine/client";
import type { LoadModel, SparsifyRequest } from "../../../engine/protocol";
import { DEFAULT_METRIC } from "../../../sparsity/metrics";
import type { Install } from "../../install";
import { completeRequest, END } from "../latency/engineRequests";
import type { SimulatedEditor } from "../latency/simulatedEditor";
import type { TextSystem } from "./textSystem";

/** The whole suggestion is waited for; less than a timer can hold. */
const PATIENCE_MS = 600_000;
/** The extension's defaults. */
const WINDOW_TOKENS = 256;
const MAX_QUALITY_LOSS = 0.05;

/** Lacuna's whole way from a place to what the editor would show: prompt, anchor, healing, endings, filters. */
export class LacunaText implements TextSystem {
  private readonly suggester: Suggester;
  private path = "";

  private constructor(
    private readonly client: EngineClient,
    syntax: Syntax,
    private readonly sparsity: SparsifyRequest["sparsity"],
  ) {
    this.suggester = new Suggester({
      shaper: new Shaper(syntax),
      generate: (...request) => this.generate(...request),
      pauseMs: () => 0,
      patienceMs: PATIENCE_MS,
    });
  }

  /** @param syntax with the grammars loaded */
  static async start(
    install: Install,
    load: LoadModel,
    syntax: Syntax,
    sparsity: SparsifyRequest["sparsity"],
  ): Promise<LacunaText> {
    const client = new EngineClient({ spawn: () => forkEngine(install.host), backOff: () => undefined });
    try {
      unwrap(await client.load(load));
      return new LacunaText(client, syntax, sparsity);
    } catch (error) {
      client.dispose();
      throw error;
    }
  }

  async suggest(editor: SimulatedEditor, path: string, signal: AbortSignal): Promise<string> {
    const place = editor.place();
    if (whyNotHere(place, "automatic") !== undefined) {
      return "";
    }
    this.path = path;
    if (this.sparsity !== "dense") {
      const { prefix, suffix } = place;
      const request = {
        ...{ path, prefix, suffix, sparsity: this.sparsity, metric: DEFAULT_METRIC },
        ...{ windowTokens: WINDOW_TOKENS, maxQualityLoss: MAX_QUALITY_LOSS, measure: false },
      };
      unwrap(await this.client.sparsify(request, { signal }));
    }
    const text = await this.suggester.suggest(place, "automatic", signal);
    this.suggester.cancel();
    return text ?? "";
  }

  dispose(): Promise<void> {
    this.client.dispose();
    return Promise.resolve();
  }

  private async generate(
    { prefix, suffix, language }: Place,
    { kind }: Wish,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Generated> {
    let written = "";
    const request = completeRequest({ prefix, suffix, path: this.path, language }, kind);
    const onItem = ({ text }: { readonly text: string }): void => {
      written += text;
      onText(written);
    };
    const outcome = await this.client.complete(request, { signal, onItem });
    if (!outcome.ok && signal.aborted) {
      return { text: written, end: "stopped" };
    }
    const { text, stopReason } = unwrap(outcome);
    return { text, end: END[stopReason] };
  }
}
