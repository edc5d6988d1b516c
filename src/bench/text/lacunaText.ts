import type { Install } from "../../commandLine/install";
import type { Generated } from "../../completion/inFlight";
import type { Place } from "../../completion/place";
import { Shaper } from "../../completion/shaper";
import { Suggester, type Wish } from "../../completion/suggester";
import type { Syntax } from "../../completion/syntaxTree";
import { whyNotHere } from "../../completion/trigger";
import { EngineClient, forkEngine, unwrap } from "../../engine/client";
import { ENDING, type LoadModel, type SparsifyRequest, type WarmRequest } from "../../engine/protocol";
import { DEFAULT_METRIC } from "../../sparsity/metrics";
import { completeRequest } from "../latency/engineRequests";
import { projectContext } from "../latency/givenProject";
import type { SimulatedEditor } from "../latency/simulatedEditor";
import type { TextCase } from "./cases";
import type { Shown } from "./measures";
import type { TextSystem } from "./textSystem";

/** The whole suggestion is waited for; less than a timer can hold. */
const PATIENCE_MS = 600_000;
/** The extension's defaults. */
const WINDOW_TOKENS = 256;
const MAX_QUALITY_LOSS = 0.05;

export interface LacunaOptions {
  /** With the grammars loaded. */
  readonly syntax: Syntax;
  readonly sparsity: SparsifyRequest["sparsity"];
  /** Whether the model is shown other files of the project. */
  readonly otherFiles: boolean;
}

/** Lacuna's whole way from a place to what the editor would show: prompt, anchor, healing, endings, filters. */
export class LacunaText implements TextSystem {
  private readonly shaper: Shaper;
  private readonly suggester: Suggester;
  /** What is asked now. */
  private about: Pick<WarmRequest, "path" | "context"> = { path: "" };

  private constructor(
    private readonly client: EngineClient,
    private readonly contextSize: number,
    private readonly options: LacunaOptions,
  ) {
    this.shaper = new Shaper(options.syntax);
    this.suggester = new Suggester({
      shaper: this.shaper,
      generate: (...request) => this.generate(...request),
      pauseMs: () => 0,
      patienceMs: PATIENCE_MS,
    });
  }

  static async start(install: Install, load: LoadModel, options: LacunaOptions): Promise<LacunaText> {
    const client = new EngineClient({ spawn: () => forkEngine(install.host), backOff: () => undefined });
    try {
      const { contextSize } = unwrap(await client.load(load));
      return new LacunaText(client, contextSize, options);
    } catch (error) {
      client.dispose();
      throw error;
    }
  }

  async suggest(editor: SimulatedEditor, { path, files }: TextCase, signal: AbortSignal): Promise<Shown> {
    const place = editor.place();
    if (whyNotHere(place, "automatic") !== undefined) {
      return { text: "", replaced: 0 };
    }
    const { sparsity, otherFiles } = this.options;
    const context = otherFiles ? await projectContext(place, path, files, this.contextSize) : [];
    this.about = { path, context };
    if (sparsity !== "dense") {
      const { prefix, suffix } = place;
      const request = {
        ...{ path, prefix, suffix, sparsity, metric: DEFAULT_METRIC },
        ...{ windowTokens: WINDOW_TOKENS, maxQualityLoss: MAX_QUALITY_LOSS, measure: false },
      };
      unwrap(await this.client.sparsify(request, { signal }));
    }
    const text = (await this.suggester.suggest(place, "automatic", signal)) ?? "";
    this.suggester.cancel();
    return { text, replaced: this.shaper.replaced(text, place) };
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
    const request = completeRequest({ ...this.about, prefix, suffix, language }, kind);
    const onItem = ({ text }: { readonly text: string }): void => {
      written += text;
      onText(written);
    };
    const outcome = await this.client.complete(request, { signal, onItem });
    if (!outcome.ok && signal.aborted) {
      return { text: written, end: "stopped" };
    }
    const { text, stopReason } = unwrap(outcome);
    return { text, end: ENDING[stopReason] };
  }
}
