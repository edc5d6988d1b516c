import type { Disposable } from "vscode";
import type { Config } from "./config";
import type { EngineService } from "./engineService";

const CHECK_MS = 15_000;

/** Frees the model's memory after a while without use. */
export class IdleUnload implements Disposable {
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly engine: EngineService,
    private readonly config: Config,
    checkMs = CHECK_MS,
  ) {
    this.timer = setInterval(() => void this.check(), checkMs);
  }

  dispose(): void {
    clearInterval(this.timer);
  }

  private async check(): Promise<void> {
    const minutes = this.config.settings.idleUnloadMinutes;
    if (minutes > 0 && this.engine.model !== undefined && this.engine.idleFor() > minutes * 60_000) {
      await this.engine.unload(`not used for ${minutes} ${minutes === 1 ? "minute" : "minutes"}`);
    }
  }
}
