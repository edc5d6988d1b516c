import { cases } from "../testing";
import type { FilterContext } from "./filter";
import { indentationRepair } from "./indentationRepair";

const TABS = { insertSpaces: false, tabSize: 4 };
const TWO = { insertSpaces: true, tabSize: 2 };

/** The filter where the editor indents with `indentation`. */
const within =
  (known: Pick<FilterContext, "indentation" | "language">) =>
  (text: string, cursor: FilterContext): string =>
    indentationRepair(text, { ...cursor, ...known });

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
    "makes tabs where only a text within a string has spaces": [
      "const q = `\n  SELECT 1`\n\nfunc f() {\n\ta()\n\tb()\n\tc()\n\td()\n}\n\nfunc g() {│\n    h()\n}│",
      "const q = `\n  SELECT 1`\n\nfunc f() {\n\ta()\n\tb()\n\tc()\n\td()\n}\n\nfunc g() {│\n\th()\n}│",
    ],
    "drops indentation that has been typed already, in the other kind of white space": [
      "func main() {\n\tb()\n\t│    a()│",
      "func main() {\n\tb()\n\t│a()│",
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

describe("indentationRepair where the file says nothing", () => {
  cases(within({ indentation: TABS, language: "go" }), {
    "takes the editor's tabs": [
      "package main\n\nfunc main() {│\n    a()\n    if b {\n        c()\n    }\n}│",
      "package main\n\nfunc main() {│\n\ta()\n\tif b {\n\t\tc()\n\t}\n}│",
    ],
    "makes one tab of whatever step the model takes": [
      "func main() {│\n  a()\n  if b {\n    c()\n  }\n}│",
      "func main() {│\n\ta()\n\tif b {\n\t\tc()\n\t}\n}│",
    ],
    "makes one tab of eight spaces at the first depth": [
      "func main() {│\n        a()\n}│",
      "func main() {│\n\ta()\n}│",
    ],
    "keeps what is aligned behind a tab": [
      "func main() {│\n    a(b,\n      c)\n}│",
      "func main() {│\n\ta(b,\n\t  c)\n}│",
    ],
    "keeps what is in a string": [
      "func f() {│\n    s := `\n  text\n    more`\n    g(s)\n}│",
      "func f() {│\n\ts := `\n  text\n    more`\n\tg(s)\n}│",
    ],
    "begins with a tab at the beginning of a line": [
      "func main() {\n│    a()\n}│",
      "func main() {\n│\ta()\n}│",
    ],
    "leaves the file's own spaces alone": [
      "func a() {\n    b()\n}\n\nfunc c() {│\n    d()\n}│",
      "func a() {\n    b()\n}\n\nfunc c() {│\n    d()\n}│",
    ],
    "takes a file's tabs in spite of the stars of its comments": [
      "/**\n * a\n * b\n */\nfunc a() {\n\tb()\n\tc()\n}\nfunc d() {│\n    e()\n}│",
      "/**\n * a\n * b\n */\nfunc a() {\n\tb()\n\tc()\n}\nfunc d() {│\n\te()\n}│",
    ],
  });
  cases(within({ indentation: TWO, language: "yaml" }), {
    "takes the editor's spaces": ["a:│\n\tb:\n\t\tc: 1│", "a:│\n  b:\n    c: 1│"],
    "keeps what is aligned": ["int f(int a,│\n    int b);│", "int f(int a,│\n    int b);│"],
    "takes the editor's step": ["a:│\n    b:\n        c: 1│", "a:│\n  b:\n    c: 1│"],
  });
});

describe("a makefile's recipes", () => {
  cases(within({ indentation: TABS, language: "makefile" }), {
    "begin with a tab": ["all: x\n\nx: x.c│\n    gcc -o x x.c│", "all: x\n\nx: x.c│\n\tgcc -o x x.c│"],
    "at the beginning of a line, too": ["x: x.c\n│    gcc -o x x.c│", "x: x.c\n│\tgcc -o x x.c│"],
    "in every rule that is written": [
      "│all: x\n  echo all\n\nx: $(SRC:.c=.o)\n  cc -o $@ $^│",
      "│all: x\n\techo all\n\nx: $(SRC:.c=.o)\n\tcc -o $@ $^│",
    ],
    "deeper where they are deeper": [
      "x:│\n    if a; then \\\n        b; \\\n    fi│",
      "x:│\n\tif a; then \\\n\t\tb; \\\n\tfi│",
    ],
  });
  cases(within({ indentation: { insertSpaces: true, tabSize: 4 }, language: "makefile" }), {
    "although variables go on with spaces": [
      "SRC = a.c \\\n      b.c \\\n      c.c\n\nx: $(SRC)│\n    cc -o x $(SRC)│",
      "SRC = a.c \\\n      b.c \\\n      c.c\n\nx: $(SRC)│\n\tcc -o x $(SRC)│",
    ],
    "but not conditionals and variables, which would be lost in a recipe": [
      "x: y\n\tcc y\n\n│ifeq ($(OS),Windows_NT)\n    EXE := .exe\nelse\n    EXE =\nendif│",
      "x: y\n\tcc y\n\n│ifeq ($(OS),Windows_NT)\n    EXE := .exe\nelse\n    EXE =\nendif│",
    ],
    "between conditionals of its own": [
      "x: y│\n    ifdef DEBUG\n        cc -g y\n    endif│",
      "x: y│\n    ifdef DEBUG\n\tcc -g y\n    endif│",
    ],
    "but not the variables": [
      "OBJ = a.o \\\n    b.o\nx: x.c\n\tcc x.c\n\n│SRC := a.c \\\n    b.c│",
      "OBJ = a.o \\\n    b.o\nx: x.c\n\tcc x.c\n\n│SRC := a.c \\\n    b.c│",
    ],
    "nor where another sign is chosen": [
      ".RECIPEPREFIX = >\nx: x.c│\n    > a│",
      ".RECIPEPREFIX = >\nx: x.c│\n    > a│",
    ],
    "after conditionals and comments in a rule": [
      "x: x.c\n\tcc x.c\n# more\nifdef A│\n    echo a\nendif│",
      "x: x.c\n\tcc x.c\n# more\nifdef A│\n\techo a\nendif│",
    ],
  });
});
