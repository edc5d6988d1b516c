import { buildPrompt } from "../../completion/prompt";
import { DocumentContext } from "../../engine/document";
import { Gate } from "../../engine/gate";
import { applySelection } from "../../engine/packing";
import type { Session } from "../../engine/session";
import type { Evaluation } from "../../sparsity/guard";
import type { Selection } from "../../sparsity/mask";
import type { Hole } from "../common/holes";
import { CONTEXT_TOKENS } from "./lab";

const MAX_TOKENS = 64;

export interface Generated {
  readonly text: string;
  /** Tokens decoded after the first, which comes out of the prompt, and how long they took. */
  readonly tokens: number;
  readonly ms: number;
}

/** Greedy completion of holes by the engine itself: dense prompt, packed FFN for what is generated. */
export class Generator {
  private prompt: { readonly id: string; readonly tokens: readonly number[] } | undefined;

  private constructor(
    private readonly session: Session,
    private readonly document: DocumentContext,
    private readonly signal: AbortSignal,
  ) {}

  static async create(session: Session, signal: AbortSignal): Promise<Generator> {
    const document = await DocumentContext.create(session.model, contextOf(session), session.threads);
    return new Generator(session, document, signal);
  }

  /** Packed bytes of the layers set last. */
  get packedBytes(): number {
    return this.document.packedBytes;
  }

  /** The share of the FFN's bytes that tokens read. */
  get readRatio(): number {
    return this.document.readRatio;
  }

  /** What tokens read from now on; undefined: everything. */
  async mask(selection: Selection | undefined, ratio: number): Promise<void> {
    if (selection === undefined) {
      if (this.document.activeRatio < 1) {
        await this.document.unpack(this.session.info.layerCount);
      }
      return;
    }
    const turns = { gate: new Gate(), signal: this.signal };
    await applySelection(this.session, this.document, selection, ratio, turns);
  }

  /** At most as many lines as the hole has. */
  async complete(hole: Hole): Promise<Generated> {
    const { middle } = hole;
    const { tokenizer } = this.session;
    const prompt = this.promptOf(hole);
    await this.document.prefill(prompt, this.signal);
    const stream = tokenizer.stream(prompt);
    const lines = middle.split("\n").length;
    const decoded: number[] = [];
    let text = "";
    let ms = 0;
    while (decoded.length < MAX_TOKENS && text.split("\n").length <= lines) {
      this.signal.throwIfAborted();
      const start = performance.now();
      const [token] = await this.document.next([decoded.at(-1) ?? prompt.at(-1)!], [], decoded.length === 0);
      // The first token comes out of the prompt, which is dense.
      ms += decoded.length === 0 ? 0 : performance.now() - start;
      decoded.push(token!);
      if (tokenizer.endsGeneration(token!)) {
        break;
      }
      text += stream.push(token!);
    }
    return { text: text.split("\n").slice(0, lines).join("\n"), tokens: decoded.length - 1, ms };
  }

  /**
   * Teacher forcing on what the file really says in a hole: scores of the tokens that the mask has a part in, which the
   * first is not (it comes out of the prompt, which is dense).
   */
  async score(hole: Hole): Promise<Evaluation> {
    const prompt = this.promptOf(hole);
    const middle = this.session.tokenizer.tokenize(hole.middle).slice(0, MAX_TOKENS + 1);
    await this.document.prefill(prompt, this.signal);
    await this.document.feed(prompt.slice(-1));
    return this.document.score(middle.slice(0, -1), middle.slice(1));
  }

  /** Built once: many masks complete the same hole. */
  private promptOf({ id, prefix, suffix, file }: Hole): readonly number[] {
    if (this.prompt?.id !== id) {
      const { tokenizer } = this.session;
      const budget = contextOf(this.session) - MAX_TOKENS - 1;
      const request = { prefix, suffix, path: file.path, context: [], budget };
      this.prompt = { id, tokens: buildPrompt(request, tokenizer.fim, tokenizer).tokens };
    }
    return this.prompt.tokens;
  }

  dispose(): Promise<void> {
    return this.document.dispose();
  }
}

const contextOf = ({ info }: Session): number => Math.min(CONTEXT_TOKENS, info.contextSize);
