/** Commands that package.json contributes; a test holds the two together. */
export const COMMAND_IDS = [
  "lacuna.complete",
  "lacuna.setSparsity",
  "lacuna.toggle",
  "lacuna.toggleLanguage",
  "lacuna.snooze",
  "lacuna.endSnooze",
  "lacuna.selectModel",
  "lacuna.getModel",
  "lacuna.setServerKey",
  "lacuna.recomputeMask",
  "lacuna.showDashboard",
  "lacuna.showLog",
  "lacuna.restartEngine",
  "lacuna.openWalkthrough",
  "lacuna.openSettings",
] as const;

export type CommandId = (typeof COMMAND_IDS)[number];

/** Context keys that commands and key bindings depend on. */
export const CONTEXT_KEYS = ["lacuna.enabled", "lacuna.snoozed", "lacuna.eligible"] as const;
