import { buildPrompt } from "../../../completion/prompt";
import { chooseTokens } from "../../../engine/choices";
import type { DocumentContext } from "../../../engine/document";
import { Gate } from "../../../engine/gate";
import { applySelection } from "../../../engine/packing";
import type { SparsifyRequest } from "../../../engine/protocol";
import { DRAFT_TOKENS, type Session } from "../../../engine/session";
import { Paces } from "../../../engine/paces";
import { Sparsifier } from "../../../engine/sparsifier";
import { decodeMask } from "../../../sparsity/maskFormat";
import { DEFAULT_METRIC } from "../../../sparsity/metrics";
import type { HolePlace, WorkerMethods, Written } from "../messages";

/** Of a hole's own text, tokens that are scored. */
const SCORED_TOKENS = 64;

/** Tokens of the text before the cursor that choices are made from, as in the extension. */
const WINDOW_TOKENS = 256;

const never = new AbortController().signal;

/** Completes holes of real files with one document's native state, as the engine does, up to the end that the model sees. */
export class HoleWriter {
  private readonly gate = new Gate();
  private readonly sparsifier: Sparsifier;
  private hole: HolePlace | undefined;
  private prompt: readonly number[] = [];

  constructor(
    private readonly session: Session,
    private readonly document: DocumentContext,
  ) {
    const quiet = (): void => undefined;
    this.sparsifier = new Sparsifier(session, this.gate, Paces.of(session, quiet), quiet, quiet);
  }

  async open(hole: HolePlace): Promise<{ readonly prompt: readonly number[] }> {
    const { tokenizer, info } = this.session;
    if (this.document.activeRatio < 1) {
      await this.document.unpack(info.layerCount);
      this.session.releasePlanes(this.gate);
      await this.session.largePages.settle(this.gate);
    }
    const budget = Math.floor(info.contextSize / 2);
    this.hole = hole;
    this.prompt = buildPrompt({ ...hole, context: [], budget }, tokenizer.fim, tokenizer).tokens;
    return { prompt: this.prompt };
  }

  /** Nothing of the prompt but its last token is timed. */
  async write({ maxTokens, draftTokens, head }: WorkerMethods["write"][0]): Promise<Written> {
    const { document, prompt } = this;
    const { tokenizer } = this.session;
    await this.useHead(head);
    await document.prefill(prompt, never);
    const choosing = {
      ...{ document, tokenizer, prompt, draftTokens, room: maxTokens },
      ...{ pending: prompt.slice(-1), piece: "", drafted: { proposed: 0, accepted: 0 } },
    };
    const tokens: number[] = [];
    let first = performance.now();
    for await (const { token } of chooseTokens(choosing)) {
      first = tokens.length === 0 ? performance.now() : first;
      tokens.push(token);
      if (tokens.length >= maxTokens || tokenizer.endsGeneration(token)) {
        break;
      }
    }
    return { tokens, ms: performance.now() - first };
  }

  private async useHead(head: "full" | "screened"): Promise<void> {
    this.document.useFullHead();
    if (head === "screened") {
      await this.session.head.prepare(this.gate);
      this.session.head.attach(this.document);
    }
  }

  async choose({ share }: WorkerMethods["choose"][0]): Promise<WorkerMethods["choose"][1]> {
    const { prefix, suffix, path } = this.hole!;
    const dense = await this.score(1);
    const drafted = await this.score(1 + DRAFT_TOKENS);
    const request: SparsifyRequest = {
      ...{ path, prefix, suffix, sparsity: share, metric: DEFAULT_METRIC },
      ...{ windowTokens: WINDOW_TOKENS, measure: false, maxQualityLoss: 1 },
    };
    const { mask, why } = await this.sparsifier.sparsify(request, never, () => undefined);
    const decoded = mask === undefined ? undefined : decodeMask(mask);
    if (decoded?.ok !== true) {
      throw new Error(decoded?.warning ?? why);
    }
    await applySelection(this.session, this.document, decoded.mask.selection, share, {
      gate: this.gate,
      signal: never,
    });
    return { dense, drafted, sparse: await this.score(SCORED_TOKENS), readRatio: this.document.readRatio };
  }

  /** Nats of what stands in the hole, but for its first token, which comes out of the dense prompt; evaluated `step` tokens at a time. */
  private async score(step: number): Promise<number> {
    const { middle, suffix } = this.hole!;
    const { document, prompt, session } = this;
    const text = (middle + suffix).slice(0, SCORED_TOKENS * 16);
    const tokens = session.tokenizer.tokenize(text).slice(0, SCORED_TOKENS + 1);
    await document.prefill(prompt, never);
    await document.feed(prompt.slice(-1));
    let nats = 0;
    for (let at = 0; at < tokens.length - 1; at += step) {
      const end = Math.min(at + step, tokens.length - 1);
      const { logLikelihood } = await document.score(tokens.slice(at, end), tokens.slice(at + 1, end + 1));
      nats -= logLikelihood.reduce((sum, value) => sum + value, 0);
    }
    return nats;
  }
}
