import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as vscode from "vscode";
import type { Config } from "./config";
import { isDischarging } from "./powerSupply";

const POLL_MS = 60_000;

/** Whether the machine runs on battery, as well as the system tells (Linux, macOS; elsewhere: no). Looks only when a setting asks. */
export class Battery implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;
  private state = false;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly subscription: vscode.Disposable;

  constructor(private readonly config: Config) {
    this.subscription = config.onDidChange(() => this.watch());
    this.watch();
  }

  get discharging(): boolean {
    return this.state;
  }

  dispose(): void {
    clearInterval(this.timer);
    vscode.Disposable.from(this.subscription, this.changed).dispose();
  }

  private watch(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.config.settings.pauseOnBattery) {
      this.timer = setInterval(() => void this.poll(), POLL_MS);
      void this.poll();
    }
  }

  private async poll(): Promise<void> {
    const now = await onBattery().catch(() => false);
    if (now !== this.state) {
      this.state = now;
      this.changed.fire();
    }
  }
}

async function onBattery(): Promise<boolean> {
  if (process.platform === "darwin") {
    const { stdout } = await promisify(execFile)("pmset", ["-g", "batt"], { timeout: 2_000 });
    return stdout.includes("'Battery Power'");
  }
  if (process.platform !== "linux") {
    return false;
  }
  return isDischarging("/sys/class/power_supply");
}
