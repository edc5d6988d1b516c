import type { Llama, LlamaModel } from "node-llama-cpp";
import { leadLinesFor } from "../completion/leadLines";
import { PromptPlanner, SETTLED_LIMITS, type Plan, type PlanLimits } from "../completion/promptPlan";
import { StopRules } from "../completion/stopRules";
import type { GgufHeader } from "../models/gguf";
import { checkModel, fingerprint } from "../models/modelCheck";
import type { ModelHeader } from "../models/parts";
import { now } from "./clock";
import { DocumentContext } from "./document";
import { documentKey, Documents, type DocumentsOptions, type Kept } from "./documents";
import { EngineFailure } from "./errors";
import { Garbage } from "./garbage";
import { generate } from "./generate";
import { HeadScreen, type HeadScreenOptions } from "./headScreen";
import { kvBytesPerToken } from "./kvSize";
import { LargePages } from "./largePages";
import { gpuNote, loadLlamaModel, type Log } from "./llama";
import {
  dropPlanes,
  evictDense,
  isArchitectureSupported,
  planeBytes,
  sparsitySupport,
  trimMemory,
  type SparsitySupport,
} from "./native";
import type { Gate } from "./gate";
import type {
  CompleteRequest,
  CompleteResult,
  DocumentName,
  LoadModel,
  ModelInfo,
  WarmRequest,
  WarmResult,
} from "./protocol";
import { StateStore } from "./stateStore";
import { usefulThreads } from "./threads";
import { ModelTokenizer } from "./tokenizer";
import { dropTokens } from "./vocabulary";

/** For KV caches and packed rows, unless the load says otherwise: a share of the model's file, within limits. What makes room is on disk. */
const DOCUMENT_SHARE = 0.3;
const MIN_DOCUMENT_BYTES = 64 * 2 ** 20;
const MAX_DOCUMENT_BYTES = 512 * 2 ** 20;

const documentBytes = (fileBytes: number): number =>
  Math.min(MAX_DOCUMENT_BYTES, Math.max(MIN_DOCUMENT_BYTES, DOCUMENT_SHARE * fileBytes));

/** A document's KV cache goes to disk no more often than this while the model is loaded. */
const SAVE_EVERY_MS = 60_000;

/** Drafts of at most this many tokens: with the one before, as many as two rounds of the kernels take. */
export const DRAFT_TOKENS = 7;

const FFN_WEIGHT = /^blk\.\d+\.ffn_(?:gate|up|down)\.weight$/;

/** Room in the context for the text that is generated; a longer completion ends where the context does. */
const COMPLETION_TOKENS = 128;

/** A loaded model and the documents that are completed with it. */
export class Session {
  private readonly documents: Documents;
  /** How the documents compute the output head. */
  readonly head: HeadScreen;
  /** Where its weights are. */
  readonly largePages: LargePages;
  private readonly garbage = new Garbage();
  /** Background work that waited meanwhile has nothing more to do. */
  private disposed = false;

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
    private readonly draftTokens: number,
    { leadLines, moveFromMs }: Pick<LoadModel, "leadLines" | "moveFromMs">,
    storage: Pick<DocumentsOptions, "kvBytes" | "maxBytes" | "states" | "onRestored">,
    head: Pick<HeadScreenOptions, "directory" | "log">,
  ) {
    this.head = new HeadScreen({
      ...head,
      model,
      identity: modelFingerprint,
      threads,
      documents: () => this.documents.contexts(),
    });
    this.largePages = new LargePages({
      model,
      threads,
      fileBytes: info.fileBytes,
      readsFfn: () => this.planeBytes === 0,
    });
    this.documents = new Documents({
      ...storage,
      create: async () => {
        const document = await DocumentContext.create(model, info.contextSize, threads, { moveFromMs });
        trimMemory(model); // planning its graphs leaves some tens of MiB behind
        this.head.attach(document);
        return document;
      },
      planner: () => new PromptPlanner(tokenizer.fim, tokenizer, leadLines ?? leadLinesFor(info.parameters)),
    });
  }

  /** Throws an {@link EngineFailure} for a file that is not a model that can run here. */
  static async load(
    llama: Llama,
    params: LoadModel,
    onProgress: (fraction: number) => void,
    signal: AbortSignal | undefined,
    log: Log = () => undefined,
  ): Promise<Session> {
    const header = requireModel(params.modelPath, (name) => isArchitectureSupported(llama, name));
    const vram = llama.gpu === false || params.gpu === false ? undefined : await llama.getVramState();
    const model = await loadLlamaModel(llama, header.parts[0]!.path, onProgress, signal);
    try {
      return Session.of(llama, model, header, params, gpuNote(params.gpu, model, vram), log);
    } catch (error) {
      await model.dispose();
      throw error;
    }
  }

  private static of(
    llama: Llama,
    model: LlamaModel,
    header: ModelHeader,
    params: LoadModel,
    note: string | undefined,
    log: Log,
  ): Session {
    const support = sparsitySupport(model);
    const { path } = header.parts[0]!;
    const name = modelName(header, path);
    const tokenizer = new ModelTokenizer(model, name);
    dropTokens(model.fileInfo.metadata.tokenizer.ggml);
    const info: ModelInfo = {
      path,
      name,
      ...describe(header),
      contextSize: Math.min(params.contextSize, model.trainContextSize),
      hasFim: tokenizer.fim !== undefined,
      ...(tokenizer.fim === undefined ? {} : { fim: tokenizer.fim.family, hasEdits: tokenizer.fim.hasEdits }),
      gpu: llama.gpu === false ? "cpu" : llama.gpu,
      ...(note === undefined ? {} : { gpuNote: note }),
      threads: usefulThreads(header.fileBytes, params.threads),
      ...denseOnly(support),
    };
    const usable = support.supported ? support : undefined;
    const identity = fingerprint(path, header);
    const { stateDirectory } = params;
    const use = [identity, info.contextSize, llama.llamaCppRelease.release].join("\n");
    return new Session(
      model,
      tokenizer,
      info,
      identity,
      info.threads,
      usable,
      params.evictAfterMs === 0,
      params.draftTokens ?? DRAFT_TOKENS,
      params,
      {
        kvBytes: kvBytesPerToken(header) * info.contextSize,
        maxBytes: params.documentBytes ?? documentBytes(header.fileBytes),
        states: stateDirectory === undefined ? undefined : new StateStore(stateDirectory, use),
        onRestored: (_, tokens, ms) => log("debug", `restored ${tokens} tokens in ${ms.toFixed(0)} ms`),
      },
      { directory: params.headDirectory, log },
    );
  }

  /** The document's native state; the ones not used for longest make room. */
  async document(name: DocumentName): Promise<DocumentContext> {
    return (await this.documents.get(documentKey(name))).context;
  }

  /** The document's state if it has one; does not make it the most recent. */
  peek(name: DocumentName): DocumentContext | undefined {
    return this.documents.peek(documentKey(name))?.context;
  }

  /**
   * Does not reject for a cancellation or a deadline: what was generated until then is the result.
   * @param emit gets text as it is generated; the result's text may be shorter, never different
   * @param arrived when the request did, on `clock.now`
   */
  async complete(
    request: CompleteRequest,
    signal: AbortSignal,
    emit: (text: string, read?: number) => void,
    arrived = now(),
  ): Promise<CompleteResult> {
    const since = { arrived, turn: now() };
    // Half of the context at most: the other half is for what is to be continued.
    const { contextSize } = this.info;
    const maxTokens = Math.max(1, Math.min(request.maxTokens, Math.floor(contextSize / 2)));
    const kept = await this.documents.get(documentKey(request));
    kept.ticket++;
    const plan = this.plan(request, kept);
    kept.context.fitHead(request.prefix, request.suffix);
    if (plan.tokens.length === 0) {
      throw new EngineFailure("bad-request", "There is nothing to complete: no text before the cursor.");
    }
    return generate({
      tokenizer: this.tokenizer,
      document: kept.context,
      plan,
      maxTokens,
      contextSize,
      draftTokens: this.draftTokens,
      rules: new StopRules(request),
      signal,
      since,
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
    const before = this.documents.peek(documentKey(request))?.ticket ?? 0;
    let ticket: number | undefined;
    let plan: Plan | undefined;
    let tokens = 0;
    let again = 0;
    for (let done = false; !done;) {
      done = await gate.run(
        "background",
        async () => {
          if (this.disposed) {
            return true;
          }
          const kept = await this.documents.get(documentKey(request));
          if (kept.ticket !== (ticket ?? before)) {
            return true;
          }
          ticket ??= ++kept.ticket;
          this.tokenizer.prepare();
          plan ??= this.plan(request, kept, SETTLED_LIMITS);
          if (plan.tokens.length === 0) {
            return true;
          }
          const readBefore = kept.context.readAgain;
          const step = await kept.context.prefillStep(plan.tokens, plan.landmarks);
          tokens += step.tokens;
          again += kept.context.readAgain - readBefore;
          return step.done;
        },
        signal,
      );
    }
    return { prefill: { tokens, ms: performance.now() - start, again } };
  }

  private plan(
    { context = [], ...request }: WarmRequest,
    { planner, context: { tokens } }: Kept,
    limits?: PlanLimits,
  ): Plan {
    const { contextSize } = this.info;
    // As much room for what is written, whatever a request asks for: another prompt for each would help nobody.
    const budget = contextSize - Math.min(COMPLETION_TOKENS, Math.floor(contextSize / 4));
    return planner.plan({ ...request, context, budget }, tokens, limits);
  }

  /** Keeps the documents' KV caches on disk, where that is wanted; each is one turn at the gate. */
  async saveStates(gate: Gate): Promise<void> {
    for (const document of this.documents.unsaved(SAVE_EVERY_MS)) {
      await gate.run("background", async () => {
        if (!this.disposed) {
          await this.documents.save(document);
        }
      });
    }
  }

  /** Lets dense FFN pages leave memory when a document decodes sparsely; returns the bytes released. */
  evictDense(documents: Iterable<DocumentContext> = this.documents.contexts()): number {
    return [...documents].some(({ activeRatio }) => activeRatio < 1) ? evictDense(this.model) : 0;
  }

  /** What there is to do for the output head in idle time. Never rejects. */
  async settleHead(gate: Gate): Promise<void> {
    const { screened } = this.head.stats;
    await this.head.idle(gate);
    if (!this.disposed && this.head.stats.screened !== screened) {
      this.trim(); // making the copy leaves some tens of MiB behind
    }
  }

  /** Gives back what no token needs soon; for idle time. */
  trim(): void {
    trimMemory(this.model);
    this.garbage.collect();
  }

  /** Of the documents' KV caches, what is resident. */
  get cacheBytes(): number {
    return this.documents.cacheBytes;
  }

  /** Of what sparse documents read instead of the file: their own rows, or the planes that they share. */
  get packedBytes(): number {
    const own = this.documents.contexts().reduce((sum, { packedBytes }) => sum + packedBytes, 0);
    return own + this.planeBytes;
  }

  private get planeBytes(): number {
    return this.support === undefined ? 0 : planeBytes(this.model);
  }

  /** Frees the planes of the FFN when no document is sparse any more; what is read instead moves into large pages at the gate. */
  releasePlanes(gate: Gate): void {
    if (this.planeBytes > 0 && this.documents.contexts().every(({ activeRatio }) => activeRatio === 1)) {
      dropPlanes(this.model);
      void this.largePages.settle(gate);
    }
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.head.dispose();
    await this.documents.dispose();
    this.largePages.dispose();
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
): ModelHeader {
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
): Pick<ModelInfo, "architecture" | "parameters" | "fileBytes" | "layerCount" | "ffnSize" | "ffnBytes"> {
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
  const ffnBytes = header.tensors
    .filter(({ name }) => FFN_WEIGHT.test(name))
    .reduce((sum, { bytes }) => sum + bytes, 0);
  return { architecture, parameters, fileBytes: header.fileBytes, layerCount, ffnSize, ffnBytes };
}

function denseOnly({ supported, reason }: SparsitySupport): { readonly denseOnly?: string } {
  return supported ? {} : { denseOnly: reason ?? "This model is not supported yet and runs dense." };
}
