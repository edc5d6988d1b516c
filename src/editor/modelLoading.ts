import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import type { ModelInfo } from "../engine/protocol";
import { filesOf } from "../models/parts";

export interface ModelLoadingOptions {
  /** Path of the model that the settings ask for; throws a sentence for the user. */
  readonly wanted: () => string;
  readonly load: (path: string) => Promise<ModelInfo>;
  /** A model has been loaded, or is no longer. */
  readonly onModel: (model: ModelInfo | undefined) => void;
  readonly onFailure: (error: unknown) => void;
  readonly now?: () => number;
}

/** A model's file at a moment, or its files: enough to see that one has been replaced. */
interface FileStamp {
  readonly path: string;
  /** Undefined when there is no such file, one of several is missing, or it may not be looked at. */
  readonly bytes: number | undefined;
  readonly modifiedMs: number | undefined;
  /** When anything about it was changed, also who may read it. */
  readonly changedMs: number | undefined;
}

/** How often the model file is looked at, at most. */
const CHECK_MS = 2_000;

/**
 * The one model: loaded when it is first asked for, once for all who ask. What has failed to load is not tried again with every key, but
 * when its file has changed or {@link ModelLoading.forget} says so.
 */
export class ModelLoading {
  private loading: Promise<ModelInfo> | undefined;
  private loaded: ModelInfo | undefined;
  private failure: { readonly error: unknown } | undefined;
  /** The file as it was when its loading began; undefined when there was none to load. */
  private file: Promise<FileStamp | undefined> = Promise.resolve(undefined);
  private lastCheck = -Infinity;

  constructor(private readonly options: ModelLoadingOptions) {}

  get model(): ModelInfo | undefined {
    return this.loaded;
  }

  /** Somebody has asked for a model that is not loaded yet. */
  get underWay(): boolean {
    return this.loading !== undefined && this.loaded === undefined;
  }

  get failed(): boolean {
    return this.failure !== undefined;
  }

  /** Rejects with what has failed, also when it has failed before. */
  async ready(): Promise<ModelInfo> {
    for (;;) {
      if (this.failure !== undefined) {
        throw this.failure.error;
      }
      const loading = (this.loading ??= this.begin());
      const model = await loading;
      // What was forgotten meanwhile is not what is wanted now.
      if (this.loading === loading) {
        return model;
      }
    }
  }

  /** The next who asks has it loaded anew. */
  forget(): void {
    this.failure = undefined;
    this.loading = undefined;
    if (this.loaded !== undefined) {
      this.loaded = undefined;
      this.options.onModel(undefined);
    }
  }

  /** Nobody has it loaded by asking any more. */
  fail(error: unknown): void {
    this.forget();
    this.failure = { error };
    this.options.onFailure(error);
  }

  /**
   * Looks, now and then, whether the file is another one than that which was loaded or could not be; if so, forgets it.
   * @returns the path of a model file that was loaded and has been replaced or deleted
   */
  async check(): Promise<string | undefined> {
    const now = (this.options.now ?? Date.now)();
    if ((this.loaded === undefined && this.failure === undefined) || now - this.lastCheck < CHECK_MS) {
      return undefined;
    }
    this.lastCheck = now;
    const { file } = this;
    const before = await file;
    if (before === undefined) {
      return undefined;
    }
    const after = await stampOf(before.path);
    // What could not be read may be readable now.
    const touched = this.failure !== undefined && before.changedMs !== after.changedMs;
    if (this.file !== file || (isSame(before, after) && !touched)) {
      return undefined;
    }
    const replaced = this.loaded?.path;
    this.forget();
    return replaced;
  }

  private begin(): Promise<ModelInfo> {
    const file = this.wantedFile();
    this.file = file.catch(() => undefined);
    const loading = file.then(({ path }) => this.options.load(path));
    void loading.then(
      (model) => {
        if (this.loading === loading) {
          this.loaded = model;
          this.options.onModel(model);
        }
      },
      (error: unknown) => {
        if (this.loading === loading) {
          this.fail(error);
        }
      },
    );
    return loading;
  }

  private async wantedFile(): Promise<FileStamp> {
    return stampOf(this.options.wanted());
  }
}

async function stampOf(path: string): Promise<FileStamp> {
  const files = await Promise.all(filesOf(path).map((file) => stat(file).catch(() => undefined)));
  const sum = (of: (file: Stats) => number): number | undefined =>
    files.includes(undefined) ? undefined : files.reduce((total, file) => total + of(file!), 0);
  return {
    path,
    bytes: sum(({ size }) => size),
    modifiedMs: sum((file) => file.mtimeMs),
    changedMs: sum((file) => file.ctimeMs),
  };
}

const isSame = (a: FileStamp, b: FileStamp): boolean => a.bytes === b.bytes && a.modifiedMs === b.modifiedMs;
