import { cases } from "../testing";
import { indentationRepair } from "./indentationRepair";

describe("indentationRepair", () => {
  cases(indentationRepair, {
    "makes tabs of spaces where the file has tabs": [
      "f() {\n\ta();\n\tb();\n\t│if (c) {\n        d();\n    }│\n}\n",
      "f() {\n\ta();\n\tb();\n\t│if (c) {\n\t\td();\n\t}│\n}\n",
    ],
    "makes spaces of tabs where the file has spaces, in the file's unit": [
      "f() {\n  a();\n  b();\n  │if (c) {\n\t\td();\n\t}│\n}\n",
      "f() {\n  a();\n  b();\n  │if (c) {\n    d();\n  }│\n}\n",
    ],
    "keeps its hands off a file with both": [
      "\ta();\n  b();\n│if (c) {\n\td();\n}│",
      "\ta();\n  b();\n│if (c) {\n\td();\n}│",
    ],
    "keeps the star of a comment after a tab": [
      "\ta();\n\tb();\n\t│/**\n\t * c\n\t */│",
      "\ta();\n\tb();\n\t│/**\n\t * c\n\t */│",
    ],
    "drops indentation that has been typed already": [
      "def f():\n    a = 1\n    │    return a│",
      "def f():\n    a = 1\n    │return a│",
    ],
    "keeps the rest of an indentation of which a part has been typed": [
      "def f():\n  │  return a│",
      "def f():\n  │  return a│",
    ],
    "keeps a call that goes on": ["  foo\n  │  .bar()│", "  foo\n  │  .bar()│"],
  });
});
