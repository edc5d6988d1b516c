import eslint from "@eslint/js";
import tseslint from "typescript-eslint";
import { layerConfigs } from "./eslint.layers.mjs";

export default tseslint.config(
  {
    ignores: ["dist/**", "native/.build/**", ".vscode-test/**", "test/fixtures/**", "training/**", "docs/**"],
  },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Numbers in messages are the point of most messages.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // `!` after an index that a loop has checked says the same in fewer words than a dead branch.
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["**/*.test.ts", "test/**/*.ts"],
    rules: {
      // `describe` and `it` of mocha take functions that are not awaited here.
      "@typescript-eslint/no-floating-promises": "off",
      "@typescript-eslint/no-empty-function": "off",
    },
  },
  {
    files: ["**/*.mjs", "**/*.cjs"],
    rules: { "no-unused-vars": ["error", { ignoreRestSiblings: true }] },
    languageOptions: {
      // Node's own, and mocha's.
      globals: Object.fromEntries(
        [
          ...Object.getOwnPropertyNames(globalThis),
          ...["describe", "it", "before", "after", "beforeEach", "afterEach"],
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  ...layerConfigs,
);
