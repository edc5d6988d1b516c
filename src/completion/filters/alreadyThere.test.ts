import { cases } from "../testing";
import { alreadyThere } from "./alreadyThere";

describe("alreadyThere", () => {
  cases(alreadyThere, {
    "drops closers that stand right of the cursor": ["foo(│)│)\n", "foo(││)\n"],
    "drops them with what follows": ["foo([│]);│]);\n", "foo([││]);\n"],
    "keeps what comes before them": ["foo(│a)│)\n", "foo(│a)│)\n"],
    "keeps closers that something is missing of": ["foo([│])│\n", "foo([│])│\n"],
    "keeps what goes on behind them": ["if (a│) {│)\n", "if (a│) {│)\n"],
  });
});
