import { cases } from "../testing";
import { duplicatedClosing } from "./duplicatedClosing";

describe("duplicatedClosing", () => {
  cases(duplicatedClosing, {
    "drops the end of a docstring that is there already": [
      '    """\n    │Adds two.\n    """│\n    """\n',
      '    """\n    │Adds two.│\n    """\n',
    ],
    "drops the end of a comment that is there already": [
      "/*\n │* Adds two.\n */│\n */\n",
      "/*\n │* Adds two.│\n */\n",
    ],
    "drops a closing tag, also alone": ["<div>\n│</div>│\n\n</div>\n", "<div>\n││\n\n</div>\n"],
    "keeps one that closes something further in": [
      "if a\n  │while b\n    c\n  end│\nend\n",
      "if a\n  │while b\n    c\n  end│\nend\n",
    ],
    "keeps the end that is missing": ["/*\n │* Adds two.\n */│\nx;\n", "/*\n │* Adds two.\n */│\nx;\n"],
    "leaves brackets to who counts them": ["f() {\n  │a();\n}│\n}\n", "f() {\n  │a();\n}│\n}\n"],
  });
});
