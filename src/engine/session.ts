import type { Llama, LlamaModel } from "node-llama-cpp";
import type { AnchorLimits } from "../completion/anchor";
import type { LookupOptions } from "../completion/lookup";
import { PromptPlanner, SETTLED_LIMITS, type Plan } from "../completion/promptPlan";
import { StopRules } from "../completion/stopRules";
import type { GgufHeader } from "../models/gguf";
import { checkModel, fingerprint } from "../models/modelCheck";
import { DocumentContext } from "./document";
import { EngineFailure } from "./errors";
import { generate } from "./generate";
import { loadLlamaModel } from "./llama";
import { evictDense, isArchitectureSupported, sparsitySupport, type SparsitySupport } from "./native";
import type { Gate } from "./gate";
import type {
  CompleteRequest,
  CompleteResult,
  LoadModel,
  ModelInfo,
  WarmRequest,
  WarmResult,
} from "./protocol";
import { usefulThreads } from "./threads";
import { ModelTokenizer } from "./tokenizer";

/** Documents whose KV cache and packed rows are kept at the same time. */
const MAX_DOCUMENTS = 2;

/** Prompt lookup: drafts of at most this many tokens. */
const DRAFT_TOKENS = 0;
const LOOKUP = { minMatch: 2, maxMatch: 4 } as const;

/** Room in the context for the text that is generated; a longer completion ends where the context does. */
const COMPLETION_TOKENS = 128;

/** A loaded model and the documents that are completed with it. */
export class Session {
  private readonly documents = new Map<string, DocumentContext>();
  /** Counts the prompts of each document: a warm-up ends when a newer one comes. */
  private readonly tickets = new Map<string, number>();
  private readonly planners = new Map<string, PromptPlanner>();

  private constructor(
    readonly model: LlamaModel,
    readonly tokenizer: ModelTokenizer,
    readonly info: ModelInfo,
    readonly modelFingerprint: string,
    readonly threads: number,
    /** Absent: the model runs dense, and `info.denseOnly` says why. */
    readonly support: SparsitySupport | undefined,
    /** Dense FFN pages leave memory after every prompt, rather than in idle time. */
    private readonly evictsAfterPrompt: boolean,
    private readonly drafts: LookupOptions | undefined,
  ) {}

  /** Throws an {@link EngineFailure} for a file that is not a model that can run here. */
  static async load(
    llama: Llama,
    params: LoadModel,
    onProgress: (fraction: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<Session> {
    const header = requireModel(params.modelPath, (name) => isArchitectureSupported(llama, name));
    const model = await loadLlamaModel(llama, params.modelPath, onProgress, signal);
    const support = sparsitySupport(model);
    const name = modelName(header, params.modelPath);
    const tokenizer = new ModelTokenizer(model, name);
    const info: ModelInfo = {
      path: params.modelPath,
      name,
      ...describe(header),
      contextSize: Math.min(params.contextSize, model.trainContextSize),
      hasFim: tokenizer.fim !== undefined,
      ...(tokenizer.fim === undefined ? {} : { fim: tokenizer.fim.family, hasEdits: tokenizer.fim.hasEdits }),
      gpu: llama.gpu === false ? "cpu" : llama.gpu,
      ...denseOnly(support),
    };
    const usable = support.supported ? support : undefined;
    return new Session(
      model,
      tokenizer,
      info,
      fingerprint(params.modelPath, header),
      usefulThreads(header.fileBytes, params.threads),
      usable,
      params.evictAfterMs === 0,
      lookupOptions(params.draftTokens ?? DRAFT_TOKENS),
    );
  }

  /** The document's native state; the one not used for longest makes room. */
  async document(path: string): Promise<DocumentContext> {
    const known = this.documents.get(path);
    if (known !== undefined) {
      this.documents.delete(path);
      this.documents.set(path, known); // a Map keeps insertion order: last is most recent
      return known;
    }
    const oldest = this.documents.entries().next().value;
    if (oldest !== undefined && this.documents.size >= MAX_DOCUMENTS) {
      this.documents.delete(oldest[0]);
      this.planners.delete(oldest[0]);
      this.tickets.delete(oldest[0]);
      await oldest[1].dispose();
    }
    const context = await DocumentContext.create(this.model, this.info.contextSize, this.threads);
    this.documents.set(path, context);
    return context;
  }

  /** The document's state if it has one; does not make it the most recent. */
  peek(path: string): DocumentContext | undefined {
    return this.documents.get(path);
  }

  /**
   * Does not reject for a cancellation or a deadline: what was generated until then is the result.
   * @param emit gets text as it is generated; the result's text may be shorter, never different
   */
  async complete(
    request: CompleteRequest,
    signal: AbortSignal,
    emit: (text: string) => void,
  ): Promise<CompleteResult> {
    // Half of the context at most: the other half is for what is to be continued.
    const { contextSize } = this.info;
    const maxTokens = Math.max(1, Math.min(request.maxTokens, Math.floor(contextSize / 2)));
    this.newTicket(request.path);
    const document = await this.document(request.path);
    const plan = this.plan(request, document);
    if (plan.tokens.length === 0) {
      throw new EngineFailure("bad-request", "There is nothing to complete: no text before the cursor.");
    }
    return generate({
      tokenizer: this.tokenizer,
      document,
      plan,
      maxTokens,
      contextSize,
      drafts: this.drafts,
      rules: new StopRules(request),
      signal,
      emit,
      onPrompt: () => {
        if (this.evictsAfterPrompt) {
          this.evictDense();
        }
      },
    });
  }

  /**
   * Evaluates what a completion would be asked with, piece by piece; each is one turn at the gate. Ends early when
   * another prompt of the document comes between.
   */
  async warm(request: WarmRequest, gate: Gate, signal: AbortSignal): Promise<WarmResult> {
    const start = performance.now();
    const ticket = this.newTicket(request.path);
    let plan: Plan | undefined;
    let tokens = 0;
    for (let done = false; !done;) {
      done = await gate.run(
        "background",
        async () => {
          if (this.tickets.get(request.path) !== ticket) {
            return true;
          }
          const document = await this.document(request.path);
          plan ??= this.plan(request, document, SETTLED_LIMITS);
          if (plan.tokens.length === 0) {
            return true;
          }
          const step = await document.prefillStep(plan.tokens);
          tokens += step.tokens;
          return step.done;
        },
        signal,
      );
    }
    return { prefill: { tokens, ms: performance.now() - start } };
  }

  private newTicket(path: string): number {
    const ticket = (this.tickets.get(path) ?? 0) + 1;
    this.tickets.set(path, ticket);
    return ticket;
  }

  private plan(
    { context = [], ...request }: WarmRequest,
    document: DocumentContext,
    limits?: AnchorLimits,
  ): Plan {
    const { contextSize } = this.info;
    // As much room for what is written, whatever a request asks for: another prompt for each would help nobody.
    const budget = contextSize - Math.min(COMPLETION_TOKENS, Math.floor(contextSize / 4));
    let planner = this.planners.get(request.path);
    if (planner === undefined) {
      planner = new PromptPlanner(this.tokenizer.fim, this.tokenizer);
      this.planners.set(request.path, planner);
    }
    return planner.plan({ ...request, context, budget }, document.tokens, limits);
  }

  /** Lets dense FFN pages leave memory when a document decodes sparsely; returns the bytes released. */
  evictDense(documents: Iterable<DocumentContext> = this.documents.values()): number {
    return [...documents].some(({ activeRatio }) => activeRatio < 1) ? evictDense(this.model) : 0;
  }

  get packedBytes(): number {
    return [...this.documents.values()].reduce((sum, document) => sum + document.packedBytes, 0);
  }

  async dispose(): Promise<void> {
    for (const document of this.documents.values()) {
      await document.dispose();
    }
    this.documents.clear();
    await this.model.dispose();
  }
}

/**
 * The file's header; throws an {@link EngineFailure} for a file that native code must not see.
 * @param isArchitectureSupported absent: any, as long as no llama.cpp is there to ask
 */
export function requireModel(
  path: string,
  isArchitectureSupported: (name: string) => boolean = () => true,
): GgufHeader {
  const check = checkModel(path, isArchitectureSupported);
  if (!check.ok) {
    throw new EngineFailure(check.problem.code, check.problem.message);
  }
  return check.header;
}

function modelName(header: GgufHeader, path: string): string {
  const name = header.metadata.get("general.name");
  return typeof name === "string" && name !== "" ? name : path.replace(/^.*[\\/]/, "");
}

function describe(
  header: GgufHeader,
): Pick<ModelInfo, "architecture" | "parameters" | "fileBytes" | "layerCount" | "ffnSize"> {
  const named = header.metadata.get("general.architecture");
  const architecture = typeof named === "string" ? named : "unknown";
  const layerCount = Number(header.metadata.get(`${architecture}.block_count`) ?? 0);
  const ffn = header.metadata.get(`${architecture}.feed_forward_length`) ?? 0;
  const ffnSize = Array.from({ length: layerCount }, (_, layer) =>
    Number(typeof ffn === "object" ? (ffn.values[layer] ?? 0) : ffn),
  );
  const elements = header.tensors.map(({ dimensions }) =>
    dimensions.reduce((product, size) => product * size, 1),
  );
  const parameters = elements.reduce((sum, count) => sum + count, 0);
  return { architecture, parameters, fileBytes: header.fileBytes, layerCount, ffnSize };
}

const lookupOptions = (maxDraft: number): LookupOptions | undefined =>
  maxDraft > 0 ? { ...LOOKUP, maxDraft } : undefined;

function denseOnly({ supported, reason }: SparsitySupport): { readonly denseOnly?: string } {
  return supported ? {} : { denseOnly: reason ?? "This model is not supported yet and runs dense." };
}
