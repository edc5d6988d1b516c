import { cases } from "../testing";
import { commentEcho } from "./commentEcho";

describe("commentEcho", () => {
  cases(commentEcho, {
    "drops a comment that stands just above": ["// Adds two.\n│// Adds two.│", "// Adds two.\n││"],
    "drops it when its mark has been typed": ["# adds two\nx = 1\n# │adds two│", "# adds two\nx = 1\n# ││"],
    "drops what follows it, too": [
      "// Adds two.\nx += 2;│\n// Adds two.\nx += 2;│",
      "// Adds two.\nx += 2;││",
    ],
    "keeps another comment": ["// Adds two.\n│// Adds three.│", "// Adds two.\n│// Adds three.│"],
    "keeps comments without words": ["/**\n * a\n */\n│/**\n * b\n */│", "/**\n * a\n */\n│/**\n * b\n */│"],
    "keeps code that looks the same": ["foo(a);\n│foo(a);│", "foo(a);\n│foo(a);│"],
    "takes no notice of comments further away": [
      `/** @api public */\n${"x;\n".repeat(3)}│/** @api public */│`,
      `/** @api public */\n${"x;\n".repeat(3)}│/** @api public */│`,
    ],
  });
});
