import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { EngineFailure, unwrap, type RequestOptions } from "../../engine/client";
import type {
  CompleteItem,
  CompleteRequest,
  CompleteResult,
  WarmRequest,
  WarmResult,
} from "../../engine/protocol";
import { parseServerAddress, type ServerAddress } from "../../server/address";
import type { Served } from "../../server/backend";
import { ServerClient, type ServerState } from "../../server/client";
import { Connection } from "../../server/connection";
import type { Config } from "../config";
import { isCancelled, messageOf } from "../failures";
import type { Log } from "../log";
import { pathOf } from "../modelFiles";
import type { Settings } from "../settings";
import type { Consent } from "./consent";

export type ServiceState =
  /** No address is set. */
  | { readonly kind: "none" }
  /** Nobody has agreed yet that code goes there. */
  | { readonly kind: "unconfirmed"; readonly isRefused: boolean }
  | ServerState;

/** Settings that decide what is spoken to, and how. */
const CONNECTED_BY = [
  ...["server", "serverKind", "serverModel", "serverFim", "serverCertificates", "contextSize"],
] as const satisfies readonly (keyof Settings)[];

/** The server that the settings name, as the editor sees it: connects, asks before anything leaves the machine, knows the state to show. */
export class ServerService implements vscode.Disposable {
  private client: ServerClient | undefined;
  /** Until there is a client, unless there will be none. */
  private connecting: Promise<void> = Promise.resolve();
  private addressNow: ServerAddress | undefined;
  private stateNow: ServiceState = { kind: "none" };
  /** Counts connections: what comes from one before is not told. */
  private connection = 0;
  private readonly changed = new vscode.EventEmitter<ServiceState>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    private readonly config: Pick<Config, "settings" | "onDidChange">,
    private readonly consent: Pick<Consent, "given" | "refused" | "ask" | "forgetRefusal">,
    private readonly secrets: Pick<vscode.SecretStorage, "get" | "store" | "delete" | "onDidChange">,
    private readonly log: Pick<Log, "write">,
  ) {
    this.subscriptions = [
      config.onDidChange(({ before, now }) => {
        if (CONNECTED_BY.some((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]))) {
          this.reconnect(before.server !== now.server);
        }
      }),
      // Also from another window.
      secrets.onDidChange(({ key }) =>
        this.addressNow !== undefined && key === secretOf(this.addressNow)
          ? this.reconnect(false)
          : undefined,
      ),
    ];
    this.reconnect(false);
  }

  get state(): ServiceState {
    return this.stateNow;
  }

  /** Of the address that is set, if one is. */
  get address(): ServerAddress | undefined {
    return this.addressNow;
  }

  /** What answers there, while it does. */
  get served(): Served | undefined {
    return this.stateNow.kind === "up" ? this.stateNow.served : undefined;
  }

  /** Whether the next completion is asked for there: it is there, or nobody knows yet that it is not. */
  get answers(): boolean {
    return ["unasked", "asking", "up"].includes(this.stateNow.kind);
  }

  /** Rejects with an error whose message is for the user. */
  complete(request: CompleteRequest, options: RequestOptions<CompleteItem>): Promise<CompleteResult> {
    return this.use("complete", async (client) => unwrap(await client.complete(request, options)));
  }

  warm(request: WarmRequest, options: RequestOptions): Promise<WarmResult> {
    return this.use("warm", async (client) => unwrap(await client.warm(request, options)));
  }

  /** Looks for the server now, and asks again whoever has refused. */
  retry(): void {
    this.reconnect(true);
  }

  /** Asks for the server's key and keeps it in the secret storage; it is sent to this address alone. */
  async askKey(): Promise<void> {
    const address = this.addressNow;
    if (address === undefined) {
      throw new Error("There is no server to have a key: set its address in lacuna.server first.");
    }
    const key = await vscode.window.showInputBox({
      title: "Lacuna: Set Server Key",
      prompt: `Key of ${address.shown}, kept in VS Code's secret storage and sent there alone; empty removes it`,
      password: true,
      ignoreFocusOut: true,
    });
    if (key !== undefined) {
      const name = secretOf(address);
      await (key.trim() === "" ? this.secrets.delete(name) : this.secrets.store(name, key.trim()));
    }
  }

  dispose(): void {
    this.connection++;
    this.client?.dispose();
    vscode.Disposable.from(...this.subscriptions, this.changed).dispose();
  }

  /** @param isNew the address has just been set: whoever has refused it before may have changed their mind */
  private reconnect(isNew: boolean): void {
    this.connection++;
    this.client?.dispose();
    this.client = undefined;
    const { server } = this.config.settings;
    this.addressNow = server === "" ? undefined : parseServerAddress(server);
    this.setState({ kind: this.addressNow === undefined ? "none" : "unasked" });
    this.connecting =
      this.addressNow === undefined
        ? Promise.resolve()
        : this.connect(this.addressNow, this.connection, isNew).catch((error: unknown) =>
            this.log.write("error", `server: ${messageOf(error)}`),
          );
  }

  private async connect(address: ServerAddress, ticket: number, isNew: boolean): Promise<void> {
    const { serverKind, serverModel, serverFim, serverCertificates, contextSize } = this.config.settings;
    if (isNew) {
      await this.consent.forgetRefusal(address);
    }
    if (!this.consent.given(address)) {
      this.setState({ kind: "unconfirmed", isRefused: this.consent.refused(address) });
      const agreed = await this.consent.ask(address);
      if (ticket === this.connection && !agreed) {
        this.setState({ kind: "unconfirmed", isRefused: this.consent.refused(address) });
      }
      if (ticket !== this.connection || !agreed) {
        return;
      }
    }
    const key = await this.secrets.get(secretOf(address));
    const certificates = await this.read(serverCertificates);
    if (ticket !== this.connection) {
      return;
    }
    this.client = new ServerClient({
      connection: new Connection({ address, key, certificates }),
      wanted: { kind: serverKind, model: serverModel, fim: serverFim, contextSize },
      onState: (state) => (ticket === this.connection ? this.setState(state) : undefined),
    });
    void this.client.open();
  }

  private async read(files: readonly string[]): Promise<readonly string[]> {
    const read = files.map((file) =>
      readFile(pathOf(file), "utf8").catch((error: unknown) => {
        this.log.write("warn", `lacuna.serverCertificates: ${messageOf(error)}`);
        return undefined;
      }),
    );
    return (await Promise.all(read)).filter((text) => text !== undefined);
  }

  private async use<T>(what: string, request: (client: ServerClient) => Promise<T>): Promise<T> {
    try {
      if (this.stateNow.kind !== "unconfirmed") {
        await this.connecting;
      }
      if (this.client === undefined) {
        throw new EngineFailure("server-away", "There is no server to complete on.");
      }
      return await request(this.client);
    } catch (error) {
      this.log.write(isCancelled(error) ? "debug" : "warn", `${what} on the server: ${messageOf(error)}`);
      throw error;
    }
  }

  private setState(state: ServiceState): void {
    const before = this.stateNow;
    this.stateNow = state;
    if (state.kind === "up" && before.kind !== "up") {
      const { product, model, contextSize, fim = "prefix only" } = state.served;
      this.log.write(
        "info",
        `Completing on ${this.addressNow!.shown}: ${product}, ${model}, context ${contextSize}, ${fim}`,
      );
    } else if (state.kind === "away" && before.kind !== "away" && before.kind !== "asking") {
      this.log.write("warn", state.why);
    }
    this.changed.fire(state);
  }
}

/** One for each address: what is one server's is sent to no other. */
const secretOf = ({ base }: ServerAddress): string => `lacuna.serverKey ${base.href}`;
