import { cases } from "../testing";
import { doubledLine } from "./doubledLine";

describe("doubledLine", () => {
  cases(doubledLine, {
    "cuts before a copy of the line before": [
      "f() {\n  │add(one);\n  sub(two);\n  sub(two);\n  mul();│\n}\n",
      "f() {\n  │add(one);\n  sub(two);│\n}\n",
    ],
    "sees it over blank lines and at another indentation": ["│call(a);\n\n    call(a);│\n", "│call(a);│\n"],
    "keeps closers, and what comes again later": [
      "│if (one) {\n  two(a);\n  }\n  }\n  two(a);│\n",
      "│if (one) {\n  two(a);\n  }\n  }\n  two(a);│\n",
    ],
  });
});
