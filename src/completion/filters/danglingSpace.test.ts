import { cases } from "../testing";
import { danglingSpace } from "./danglingSpace";

describe("danglingSpace", () => {
  cases(danglingSpace, {
    "drops a new line after a space": ["const a = │\nfoo();│\n", "const a = ││\n"],
    "keeps what goes on after a space": ["const a = │1;\nfoo();│\n", "const a = │1;\nfoo();│\n"],
    "keeps a new line after a finished one": ["foo();│\nbar();│\n", "foo();│\nbar();│\n"],
    "does not take indentation for a space": ["foo();\n  │\n  bar();│\n", "foo();\n  │\n  bar();│\n"],
  });
});
