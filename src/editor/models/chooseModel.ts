import * as vscode from "vscode";
import { recommend, type Measured, type Recommendation } from "../../models/catalogue/estimate";
import type { Machine } from "../../models/catalogue/machine";
import { wantedOf } from "../../models/catalogue/wanted";
import { nameOf, parseAddress } from "../../models/download/address";
import type { Wanted } from "../../models/download/downloader";
import { size } from "../../models/download/errors";
import { messageOf } from "../failures";
import { tokensPerSecond } from "../statusText";

/** Something to be fetched, and what to call it meanwhile. */
export interface Chosen {
  readonly title: string;
  readonly wanted: Wanted;
}

interface Item extends vscode.QuickPickItem {
  readonly recommendation?: Recommendation;
  readonly address?: true;
}

const CARD: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon("link-external"),
  tooltip: "Open the model's card",
};

const GROUPS = {
  good: "A line within a second",
  large: "A line within a second, but much of the memory",
  slow: "Slow here",
  "too-large": "Too large for this memory",
} as const;

/** Lets the user choose from the catalogue, the best for this machine first, or give an address. Undefined when dismissed. */
export async function chooseModel(
  measure: (signal: AbortSignal) => Promise<Machine>,
  measured: Measured | undefined,
): Promise<Chosen | undefined> {
  const picker = vscode.window.createQuickPick<Item>();
  picker.title = "Lacuna: Get a Model";
  picker.placeholder = "Measuring how fast this machine reads memory…";
  picker.matchOnDescription = true;
  picker.matchOnDetail = true;
  picker.ignoreFocusOut = true;
  picker.busy = true;
  const address: Item = {
    label: "$(link) Another model…",
    description: "hf:user/model:Q4_K_M, or the https address of a GGUF file",
    alwaysShow: true,
    address: true,
  };
  picker.items = [address];
  const controller = new AbortController();
  picker.onDidTriggerItemButton(({ item }) => {
    if (item.recommendation !== undefined) {
      void vscode.env.openExternal(vscode.Uri.parse(item.recommendation.entry.card));
    }
  });
  void measure(controller.signal).then(
    (machine) => {
      picker.items = [...items(recommend(machine, measured)), address];
      picker.placeholder =
        "Speeds and memory are what is expected here; a model is fetched when you choose it";
      picker.busy = false;
    },
    (error: unknown) => {
      picker.placeholder = messageOf(error);
      picker.busy = false;
    },
  );
  try {
    const picked = await new Promise<Item | undefined>((resolve) => {
      picker.onDidAccept(() => resolve(picker.selectedItems[0]));
      picker.onDidHide(() => resolve(undefined));
      picker.show();
    });
    if (picked?.address === true) {
      return await askAddress();
    }
    const { recommendation } = picked ?? {};
    return recommendation === undefined
      ? undefined
      : { title: recommendation.entry.title, wanted: wantedOf(recommendation) };
  } finally {
    controller.abort();
    picker.dispose();
  }
}

function items(recommendations: readonly Recommendation[]): Item[] {
  const result: Item[] = [];
  let group: Recommendation["fits"] | undefined;
  recommendations.forEach((recommendation, index) => {
    const { entry, file, fits, runs, estimate } = recommendation;
    if (fits !== group) {
      group = fits;
      result.push({ label: GROUPS[fits], kind: vscode.QuickPickItemKind.Separator });
    }
    const about = recommendation.size.known === "exact" ? "" : "about ";
    result.push({
      label: `${index === 0 && fits === "good" ? "$(star-full) " : ""}${entry.title}`,
      description: `${about}${size(recommendation.size.bytes)} · ${file.quantization} · ${entry.license}`,
      detail: `about ${tokensPerSecond(estimate.tokensPerSecond)} tokens per second, ${runs}, with ${size(estimate.residentBytes)} of memory`,
      buttons: [CARD],
      recommendation,
    });
  });
  return result;
}

async function askAddress(): Promise<Chosen | undefined> {
  const text = await vscode.window.showInputBox({
    title: "Lacuna: Get a Model",
    prompt: "Address of a GGUF model",
    placeHolder: "hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q4_K_M",
    ignoreFocusOut: true,
    validateInput: (input) => {
      try {
        parseAddress(input);
        return undefined;
      } catch (error) {
        return input.trim() === "" ? "Enter an address." : messageOf(error);
      }
    },
  });
  return text === undefined ? undefined : { title: titleOf(text), wanted: { address: text.trim() } };
}

/** A file's name where the address has one: an address is long to read. */
export function titleOf(address: string): string {
  const parsed = parseAddress(address);
  return (parsed.kind === "url" ? nameOf(parsed.url) : undefined) ?? address.trim();
}
