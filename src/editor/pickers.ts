import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import type { GuardPoint, Sparsity } from "../engine/protocol";
import type { FoundModel } from "../models/discovery/discovery";
import type { Tuning } from "../models/tuning";
import { measuredAt, type MeasuredData } from "./measured";
import { parseSparsity } from "./settings";
import { bytes, costOf, measuredPoint, percent, tokensPerSecond } from "./statusText";

/** Choices of `Lacuna: Set Sparsity`, besides a custom one. */
const RATIOS = [0.8, 0.7, 0.6, 0.54, 0.48, 0.4];

export interface SparsityChoices {
  readonly current: Sparsity;
  readonly maxQualityLoss: number;
  /** Name under which measurements of the model are kept, if one is loaded. */
  readonly model: string | undefined;
  readonly measured: MeasuredData;
  /** The guard's curve for the active document. */
  readonly guard: readonly GuardPoint[];
  /** The ratio that `auto` has chosen for the active document. */
  readonly chosen: number | undefined;
  /** Said above the choices. */
  readonly note: string | undefined;
}

interface SparsityItem extends vscode.QuickPickItem {
  readonly value: Sparsity | "custom";
}

/** What is known about a share: speed and memory as seen on this machine, quality as measured on this file. */
function known(choices: SparsityChoices, ratio: number): string {
  const seen = choices.model === undefined ? undefined : measuredAt(choices.measured, choices.model, ratio);
  const point = measuredPoint(choices.guard, ratio);
  const over = point !== undefined && point.lossIncrease > choices.maxQualityLoss;
  const parts = [
    seen === undefined
      ? undefined
      : `so far ${tokensPerSecond(seen.tokensPerSecond)} tok/s, ${bytes(seen.residentBytes)}`,
    point === undefined ? undefined : `${costOf(point)}, on this file`,
    over ? `$(warning) more than your ${percent(choices.maxQualityLoss)}` : undefined,
  ].filter((part) => part !== undefined);
  return parts.length > 0 ? parts.join(" · ") : "not measured yet";
}

/** Lets the user choose; undefined when dismissed. */
export async function pickSparsity(choices: SparsityChoices): Promise<Sparsity | undefined> {
  const mark = (value: Sparsity): string => (choices.current === value ? "$(check) " : "");
  const items: SparsityItem[] = [
    {
      value: "auto",
      label: `${mark("auto")}Auto`,
      description: choices.chosen === undefined ? "" : `now ${percent(choices.chosen)}`,
      detail: `The smallest share within ${percent(choices.maxQualityLoss)} loss on the file's own text`,
    },
    {
      value: "dense",
      label: `${mark("dense")}Dense`,
      description: known(choices, 1),
      detail: "The whole model",
    },
    ...RATIOS.map((ratio) => ({
      value: ratio,
      label: `${mark(ratio)}${percent(ratio)}`,
      description: known(choices, ratio),
    })),
    { value: "custom", label: "Custom…", description: "any share from 5 to 100 %" },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: "Lacuna: Set Sparsity",
    placeHolder: choices.note ?? "Share of the model's FFN that a token reads",
    matchOnDescription: true,
  });
  return picked?.value === "custom" ? askRatio(choices.current) : picked?.value;
}

async function askRatio(current: Sparsity): Promise<Sparsity | undefined> {
  const text = await vscode.window.showInputBox({
    title: "Lacuna: Set Sparsity",
    prompt: "Share of the FFN in per cent, 5 to 100 (a quarter is read at least)",
    value: typeof current === "number" ? String(Math.round(current * 100)) : "40",
    validateInput: (input) => (ratioOf(input) === undefined ? "Enter a number from 5 to 100." : undefined),
  });
  return text === undefined ? undefined : ratioOf(text);
}

/** `40`, `40 %` and `12.5%` are shares. */
const ratioOf = (text: string): Sparsity | undefined => {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*%?\s*$/.exec(text);
  return match === null ? undefined : parseSparsity(Number(match[1]!.replace(",", ".")) / 100);
};

export interface ModelChoices {
  readonly current: string;
  /** Of the current one, as far as its file tells. */
  readonly tuning: Tuning | undefined;
  readonly bundled: string | undefined;
  readonly search: (signal: AbortSignal) => Promise<readonly FoundModel[]>;
}

interface ModelItem extends vscode.QuickPickItem {
  /** Path to set; "" for the bundled model. */
  readonly model?: string;
  readonly browse?: true;
}

/** Lets the user choose a model file; shows what is found while it is found. Undefined when dismissed. */
export async function pickModel(choices: ModelChoices): Promise<string | undefined> {
  const picker = vscode.window.createQuickPick<ModelItem>();
  picker.title = "Lacuna: Select Model";
  picker.placeholder = "A GGUF model on this machine";
  picker.matchOnDescription = true;
  picker.matchOnDetail = true;
  const fixed = fixedModels(choices);
  const browse: ModelItem = { label: "$(folder-opened) Choose a file…", browse: true, alwaysShow: true };
  picker.items = [...fixed, browse];
  picker.busy = true;
  const controller = new AbortController();
  void choices.search(controller.signal).then((found) => {
    const others = found.filter((model) => fixed.every((item) => item.detail !== model.path));
    const items = others.map((model): ModelItem => ({
      label: model.name,
      description: [
        bytes(model.bytes),
        model.source,
        ...(model.fim === true ? ["fills in the middle"] : []),
        ...trainedFor(model.tuning),
      ].join(" · "),
      detail: model.path,
      model: model.path,
    }));
    const separator: ModelItem = { label: "Found on this machine", kind: vscode.QuickPickItemKind.Separator };
    picker.items = [...fixed, ...(items.length > 0 ? [separator, ...items] : []), browse];
    picker.busy = false;
  });
  try {
    const picked = await new Promise<ModelItem | undefined>((resolve) => {
      picker.onDidAccept(() => resolve(picker.selectedItems[0]));
      picker.onDidHide(() => resolve(undefined));
      picker.show();
    });
    return picked?.browse === true ? await browseModel() : picked?.model;
  } finally {
    controller.abort();
    picker.dispose();
  }
}

function fixedModels({ current, tuning, bundled }: ModelChoices): ModelItem[] {
  const items: ModelItem[] = [];
  if (bundled !== undefined) {
    items.push({
      label: `${current === "" ? "$(check) " : ""}${path.basename(bundled, ".gguf")}`,
      description: "comes with Lacuna",
      detail: bundled,
      model: "",
    });
  }
  if (current !== "") {
    items.push({
      label: `$(check) ${path.basename(current, ".gguf")}`,
      description: ["in use", ...trainedFor(tuning)].join(" · "),
      detail: current,
      model: current,
    });
  }
  return items;
}

/** Models that have been trained to chat now and then answer in prose where code is wanted; their base model does not. */
const trainedFor = (tuning: Tuning | undefined): readonly string[] =>
  tuning === undefined
    ? []
    : [tuning === "chat" ? "Instruct: made for chat, may answer in prose" : "base: made for completion"];

async function browseModel(): Promise<string | undefined> {
  const files = await vscode.window.showOpenDialog({
    title: "Choose a GGUF model",
    openLabel: "Use This Model",
    canSelectMany: false,
    // In a remote window the dialog shows the other machine unless it is told to begin on this one.
    defaultUri: vscode.Uri.file(os.homedir()),
    filters: { "GGUF models": ["gguf"] },
  });
  return files?.[0]?.fsPath;
}

/** Minutes, or undefined when dismissed. */
export async function pickSnooze(): Promise<number | undefined> {
  const items = [5, 15, 30, 60, 240].map((minutes) => ({
    label: minutes < 60 ? `${minutes} minutes` : minutes === 60 ? "1 hour" : `${minutes / 60} hours`,
    minutes,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: "Lacuna: Snooze",
    placeHolder: "No suggestions for",
  });
  return picked?.minutes;
}
