import type { GuardPoint } from "../engine/protocol";
import type { CompletionPoint, MemoryPoint } from "./history";
import type { DayCounts } from "../completion/statistics";

/** What the extension tells the dashboard: everything to draw, each time. */
export interface DashboardData {
  /** As in the status bar, without icons. */
  readonly status: string;
  /** Name, architecture, size; absent while no model is loaded. */
  readonly model?: string;
  /** Prompt tokens read since it was loaded, and those of them whose text had been read before. */
  readonly read: { readonly tokens: number; readonly again: number };
  readonly completions: readonly CompletionPoint[];
  readonly memory: readonly MemoryPoint[];
  readonly days: readonly (DayCounts & { readonly day: string })[];
  readonly latencyP50?: number;
  readonly latencyP95?: number;
  /** Of the active document; absent while it has none. */
  readonly mask?: {
    readonly file: string;
    readonly activeRatio: number;
    readonly source: string;
    /** Rows kept in each layer. */
    readonly rows: readonly number[];
    readonly ffnSize: readonly number[];
    readonly bins: number;
    /** How much slices of neurons count, row-major `[layers, bins]`, 0..1. */
    readonly heatmap: readonly number[];
    readonly guard: readonly GuardPoint[];
    readonly maxQualityLoss: number;
  };
}

export interface ToDashboard {
  readonly type: "data";
  readonly data: DashboardData;
}
export type FromDashboard =
  { readonly type: "ready" } | { readonly type: "command"; readonly command: string };
