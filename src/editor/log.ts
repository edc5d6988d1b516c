import os from "node:os";
import * as vscode from "vscode";
import { describeCpu } from "./cpu";
import type { LogLevel, Settings } from "./settings";

const ORDER: readonly LogLevel[] = ["error", "warn", "info", "debug"];

/** The log that `Lacuna: Show Log` opens. Lines above the level that the settings ask for are dropped. */
export class Log implements vscode.Disposable {
  private readonly channel = vscode.window.createOutputChannel("Lacuna", { log: true });
  private level: LogLevel = "info";
  /** What is stopped when everything is disposed has something to say still. */
  private closed = false;

  setLevel(level: LogLevel): void {
    this.level = level;
  }

  write(level: LogLevel, message: string): void {
    if (this.closed || ORDER.indexOf(level) > ORDER.indexOf(this.level)) {
      return;
    }
    // The channel's own level hides debug lines unless the user changes that too; being asked for twice is one time too many.
    if (level === "debug") {
      this.channel.info(`[debug] ${message}`);
    } else {
      this.channel[level](message);
    }
  }

  /** What anyone who reads a log wants to know first. */
  header(extensionVersion: string, activationMs: number, settings: Settings): void {
    this.write(
      "info",
      `Lacuna ${extensionVersion}, VS Code ${vscode.version}, Node ${process.versions.node}; activated in ${activationMs.toFixed(1)} ms`,
    );
    this.write(
      "info",
      `${os.type()} ${os.release()} ${os.arch()}, ${describeCpu()}, ${gigabytes(os.totalmem())} memory`,
    );
    this.write("info", `Settings: ${JSON.stringify(settings)}`);
  }

  show(): void {
    this.channel.show(true);
  }

  dispose(): void {
    this.closed = true;
    this.channel.dispose();
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
