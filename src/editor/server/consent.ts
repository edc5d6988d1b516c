import * as vscode from "vscode";
import type { ServerAddress } from "../../server/address";

const CONSENTS = "lacuna.serverConsents";
const SEND = "Send Code There";
const REFUSE = "Do Not";

/**
 * Whether code may go to an address. This machine is no question; any other is one, asked once and remembered, which names it. Whoever has refused
 * is asked again when the setting has been changed.
 */
export class Consent {
  /** Addresses that the question is open for. */
  private readonly asking = new Set<string>();

  constructor(private readonly memory: vscode.Memento) {}

  given({ isLocal, shown }: ServerAddress): boolean {
    return isLocal || this.answers[shown] === true;
  }

  refused({ shown }: ServerAddress): boolean {
    return this.answers[shown] === false;
  }

  /** Asks unless that has been done; resolves to whether the answer is a yes. */
  async ask(address: ServerAddress): Promise<boolean> {
    const { shown, base } = address;
    if (this.given(address) || this.refused(address) || this.asking.has(shown)) {
      return this.given(address);
    }
    this.asking.add(shown);
    const open =
      base.protocol === "http:" ? " The connection is not encrypted: whoever is on the way can read it." : "";
    const picked = await vscode.window.showWarningMessage(
      `Lacuna: complete on ${shown}? The text round your cursor and pieces of related files will be sent there, and nowhere else.${open}`,
      SEND,
      REFUSE,
    );
    this.asking.delete(shown);
    if (picked !== undefined) {
      await this.memory.update(CONSENTS, { ...this.answers, [shown]: picked === SEND });
    }
    return picked === SEND;
  }

  /** The next {@link ask} asks. */
  async forgetRefusal({ shown }: ServerAddress): Promise<void> {
    if (this.answers[shown] === false) {
      const others = Object.entries(this.answers).filter(([address]) => address !== shown);
      await this.memory.update(CONSENTS, Object.fromEntries(others));
    }
  }

  private get answers(): Readonly<Record<string, boolean>> {
    return this.memory.get(CONSENTS) ?? {};
  }
}
