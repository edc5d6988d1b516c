import type { Disposable } from "vscode";
import type { Config } from "./config";
import type { EngineService } from "./engineService";

const MINUTE_MS = 60_000;

/** When to look again, for a limit of `minutes`: often enough that it is kept, not so often that it wakes an idle machine. */
const checkAfterMs = (minutes: number): number =>
  minutes === 0 ? MINUTE_MS : Math.min(15_000, Math.max(1_000, (minutes * MINUTE_MS) / 4));

/** Frees the model's memory after a while without use. */
export class IdleUnload implements Disposable {
  private timer: NodeJS.Timeout | undefined;
  private readonly subscription: Disposable;

  constructor(
    private readonly engine: EngineService,
    private readonly config: Config,
  ) {
    this.subscription = config.onDidChange(() => this.wait());
    this.wait();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.subscription.dispose();
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), checkAfterMs(this.config.settings.idleUnloadMinutes));
  }

  private check(): void {
    this.wait();
    const minutes = this.config.settings.idleUnloadMinutes;
    if (minutes > 0 && this.engine.model !== undefined && this.engine.idleFor() > minutes * MINUTE_MS) {
      void this.engine.unload(`not used for ${minutes} ${minutes === 1 ? "minute" : "minutes"}`);
    }
  }
}
