import assert from "node:assert/strict";
import type { Generated } from "./inFlight";
import type { Place } from "./place";
import { Shaper } from "./shaper";
import { Suggester, type Purpose, type SuggesterOptions } from "./suggester";
import { placeAt } from "./testing";

/** A generation that the test writes by hand. */
interface Asked {
  readonly place: Place;
  readonly purpose: Purpose;
  readonly signal: AbortSignal;
  write(text: string): void;
  end(text: string, end?: Generated["end"]): void;
  fail(error: Error): void;
}

function suggester(options: Partial<SuggesterOptions> = {}): { suggester: Suggester; asked: Asked[] } {
  const asked: Asked[] = [];
  const made = new Suggester({
    shaper: new Shaper(),
    generate: (place, { purpose }, signal, onText) =>
      new Promise((resolve, reject) => {
        asked.push({
          ...{ place, purpose, signal, write: onText, fail: reject },
          end: (text, end = "finished") => resolve({ text, end }),
        });
        signal.addEventListener("abort", () => resolve({ text: "", end: "stopped" }));
      }),
    pauseMs: () => 0,
    patienceMs: 5,
    ...options,
  });
  return { suggester: made, asked };
}

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

describe("Suggester", () => {
  it("answers when a statement is complete, while the generation goes on", async () => {
    const { suggester: one, asked } = suggester();
    const answer = one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    asked[0]!.write("a + b;\nfoo");
    assert.equal(await answer, "a + b;");
    assert.equal(asked[0]!.signal.aborted, false);
  });

  it("serves what comes after an accepted suggestion from what went on", async () => {
    const { suggester: one, asked } = suggester();
    const answer = one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    asked[0]!.write("a + b;\nfoo");
    await answer;
    one.moved([placeAt("x = a + b;│\n")]);
    const next = one.suggest(placeAt("x = a + b;│\n"), "automatic", never);
    await turn();
    asked[0]!.end("a + b;\nfoo();\nbar();");
    assert.equal(await next, "\nfoo();");
    assert.equal(asked.length, 1);
  });

  it("asks once for someone who types along, however fast", async () => {
    const { suggester: one, asked } = suggester();
    const first = new AbortController();
    const answers = [one.suggest(placeAt("x = │\n"), "invoked", first.signal)];
    await turn();
    for (const typed of ["f", "fo", "foo"]) {
      one.moved([placeAt(`x = ${typed}│\n`)]);
      first.abort();
      answers.push(one.suggest(placeAt(`x = ${typed}│\n`), "automatic", never));
      await turn();
    }
    asked[0]!.end("foo(bar);");
    assert.deepEqual(await Promise.all(answers), [undefined, undefined, undefined, "(bar);"]);
    assert.equal(asked.length, 1);
  });

  it("asks anew when what comes was asked for earlier, and does not go with what was typed meanwhile", async () => {
    for (const other of ["zebra;", ""]) {
      const { suggester: one, asked } = suggester();
      one.expect(placeAt("x = │\n"));
      one.moved([placeAt("x = foo│\n")]);
      const answer = one.suggest(placeAt("x = foo│\n"), "automatic", never);
      await turn();
      assert.equal(asked.length, 1);
      asked[0]!.end(other);
      await turn();
      assert.deepEqual(asked[1]!.place, placeAt("x = foo│\n"));
      asked[1]!.end("");
      assert.equal(await answer, "");
      assert.equal(asked.length, 2, "once");
    }
  });

  it("stops at once and asks anew when something else is typed", async () => {
    const { suggester: one, asked } = suggester();
    const first = one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    asked[0]!.write("foo");
    one.moved([placeAt("x = z│\n")]);
    assert.equal(asked[0]!.signal.aborted, true);
    assert.equal(await first, undefined);
    const next = one.suggest(placeAt("x = z│\n"), "invoked", never);
    await turn();
    asked[1]!.end("ebra;");
    assert.equal(await next, "ebra;");
  });

  it("shows the first lines of a block that takes long, and the next ones after that", async () => {
    const { suggester: one, asked } = suggester();
    const answer = one.suggest(placeAt("function f() {│\n}\n"), "invoked", never);
    await turn();
    asked[0]!.write("\n  a();\n  b");
    assert.equal(await answer, "\n  a();");
    one.moved([placeAt("function f() {\n  a();│\n}\n")]);
    const next = one.suggest(placeAt("function f() {\n  a();│\n}\n"), "automatic", never);
    await turn();
    asked[0]!.write("\n  a();\n  b();\n  c");
    assert.equal(await next, "\n  b();");
    assert.equal(asked.length, 1);
  });

  it("tells of a failure, and asks anew after it", async () => {
    const { suggester: one, asked } = suggester();
    const answer = one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    asked[0]!.fail(new Error("no model"));
    await assert.rejects(answer, /no model/);
    const again = one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    asked[1]!.end("1;");
    assert.equal(await again, "1;");
  });

  it("does not ask for someone who has typed on before the pause was over", async () => {
    const { suggester: one, asked } = suggester({ pauseMs: () => 20 });
    const answer = one.suggest(placeAt("x = │\n"), "automatic", never);
    one.moved([placeAt("x = y│\n")]);
    assert.equal(await answer, undefined);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(asked.length, 0);
  });

  describe("whose asker gives up waiting", () => {
    const WORD = "def remove│\n";

    function abandoned(options: Partial<SuggesterOptions> = {}): {
      one: Suggester;
      asked: Asked[];
      ready: Place[];
      failures: unknown[];
      asker: AbortController;
      answer: Promise<string | undefined>;
    } {
      const ready: Place[] = [];
      const failures: unknown[] = [];
      const { suggester: one, asked } = suggester({
        onReady: (place) => ready.push(place),
        onFailed: (error) => failures.push(error),
        ...options,
      });
      const asker = new AbortController();
      const answer = one.suggest(placeAt(WORD, "python"), "automatic", asker.signal);
      return { one, asked, ready, failures, asker, answer };
    }

    it("goes on, tells when there is text, and gives it to who asks again", async () => {
      const { one, asked, ready, asker, answer } = abandoned();
      await turn();
      asker.abort();
      asker.abort(); // twice is no more than once
      assert.equal(await answer, undefined);
      await new Promise((resolve) => setTimeout(resolve, 200)); // longer than a typist is waited for
      assert.equal(asked[0]!.signal.aborted, false);
      asked[0]!.end("_item(self):");
      await turn();
      assert.deepEqual(ready, [placeAt(WORD, "python")]);
      assert.equal(await one.suggest(placeAt(WORD, "python"), "automatic", never), "_item(self):");
      assert.equal(asked.length, 1);
    });

    it("begins after a pause that was longer than the asker waited", async () => {
      const { asked, ready, asker } = abandoned({ pauseMs: () => 10 });
      asker.abort();
      await new Promise((resolve) => setTimeout(resolve, 30));
      asked[0]!.end("_item(self):");
      await turn();
      assert.equal(ready.length, 1);
    });

    it("joins who asks again meanwhile, and tells nobody else", async () => {
      const { one, asked, ready, asker } = abandoned();
      await turn();
      asker.abort();
      const again = one.suggest(placeAt(WORD, "python"), "automatic", never);
      asked[0]!.end("_item(self):");
      assert.equal(await again, "_item(self):");
      await turn();
      assert.deepEqual(ready, []);
      assert.equal(asked.length, 1);
    });

    it("says nothing of nothing", async () => {
      const { asked, ready, asker } = abandoned();
      await turn();
      asker.abort();
      asked[0]!.end("");
      await turn();
      assert.deepEqual(ready, []);
    });

    it("ends when the text or the cursor goes elsewhere, or the document goes", async () => {
      const ways: ((one: Suggester) => void)[] = [
        (one) => one.moved([placeAt("def removed│\n", "python")]),
        (one) => one.moved([placeAt("│def remove\n", "python")]),
        (one) => one.forget("a"),
        (one) => one.cancel(),
      ];
      for (const way of ways) {
        const { one, asked, ready, asker } = abandoned();
        await turn();
        asker.abort();
        way(one);
        asked[0]!.end("_item(self):");
        await turn();
        assert.deepEqual(ready, []);
      }
    });

    it("shows all of a block whose first lines were there when the asker had gone", async () => {
      const longer: Place[] = [];
      const { one, asked, ready, asker } = abandoned({ onLonger: (place) => longer.push(place) });
      await turn();
      asker.abort();
      asked[0]!.write("_item(self):\n    a()\n    b");
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(ready.length, 1);
      assert.equal(await one.suggest(placeAt(WORD, "python"), "automatic", never), "_item(self):\n    a()");
      asked[0]!.end("_item(self):\n    a()\n    b()");
      await turn();
      assert.equal(longer.length, 1);
    });

    it("tells of a failure", async () => {
      const { asked, failures, asker } = abandoned();
      await turn();
      asker.abort();
      asked[0]!.fail(new Error("no model"));
      await turn();
      assert.deepEqual(failures.map(String), ["Error: no model"]);
    });
  });

  it("asks again when told to where there was nothing to say, and not by itself", async () => {
    const { suggester: one, asked } = suggester();
    const answer = one.suggest(placeAt("x;│\n"), "automatic", never);
    await turn();
    await turn();
    asked[0]!.end("");
    assert.equal(await answer, "");
    assert.equal(await one.suggest(placeAt("x;│\n"), "automatic", never), "");
    assert.equal(asked.length, 1);
    void one.suggest(placeAt("x;│\n"), "invoked", never);
    await turn();
    assert.equal(asked.length, 2);
  });

  it("gives of what the deadline has broken off what is whole, or asks anew", async () => {
    const broken = suggester();
    const header = broken.suggester.suggest(placeAt("def f(│\n", "python"), "automatic", never);
    await turn();
    broken.asked[0]!.end("a, b):\n    try:", "expired");
    assert.equal(await header, "a, b):");

    const { suggester: one, asked } = suggester();
    const answer = one.suggest(placeAt("x│\n"), "automatic", never);
    await turn();
    asked[0]!.end(" = foo(a, b", "expired");
    assert.equal(await answer, undefined);
    void one.suggest(placeAt("x│\n"), "automatic", never);
    await turn();
    assert.equal(asked.length, 2);
  });

  it("generates ahead what comes after a finished suggestion, once", async () => {
    const { suggester: one, asked } = suggester({ goesAhead: () => true });
    const answer = one.suggest(placeAt("f(│)\nend\n"), "invoked", never);
    await turn();
    asked[0]!.end("a);");
    assert.equal(await answer, "a);");
    await turn();
    assert.equal(asked[1]!.purpose, "ahead");
    assert.deepEqual(asked[1]!.place, placeAt("f(a);│\nend\n"));
    one.moved([placeAt("f(a│)\nend\n")]);
    assert.equal(asked[1]!.signal.aborted, false, "typing along keeps it");
    asked[1]!.end("\ng();");
    await turn();
    assert.equal(asked.length, 2);
    assert.equal(await one.suggest(placeAt("f(a);│\nend\n"), "automatic", never), "\ng();");
  });

  it("does not go ahead of a suggestion that has been contradicted", async () => {
    const { suggester: one, asked } = suggester({ goesAhead: () => true });
    const answer = one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    asked[0]!.write("a;\nb");
    await answer;
    one.moved([placeAt("x = z│\n")]);
    await turn();
    assert.equal(asked.length, 1);
  });

  it("starts at once what is about to be asked for, once", async () => {
    const { suggester: one, asked } = suggester();
    one.expect(placeAt("x = │\n"));
    one.expect(placeAt("x = │\n"));
    assert.deepEqual(
      asked.map(({ purpose }) => purpose),
      ["automatic"],
    );
    const answer = one.suggest(placeAt("x = │\n"), "automatic", never);
    asked[0]!.end("f(y);");
    assert.equal(await answer, "f(y);");
    one.expect(placeAt("x = f(│\n"));
    assert.equal(asked.length, 1, "what is known is not asked for");
    one.expect(placeAt("x = g(│\n"));
    one.moved([placeAt("x = g(z│\n")]);
    assert.equal(asked[1]!.signal.aborted, false, "nothing written contradicts it yet");
    asked[1]!.write("a, ");
    one.moved([placeAt("x = g(z│\n")]);
    assert.equal(asked[1]!.signal.aborted, true);
  });

  it("leaves a slow engine alone until somebody does ask", () => {
    const { suggester: one, asked } = suggester({ pauseMs: () => 1 });
    one.expect(placeAt("x = │\n"));
    assert.equal(asked.length, 0);
  });

  it("forgets everything but what is under way when the model changes", async () => {
    const { suggester: one, asked } = suggester();
    const first = one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    asked[0]!.end("1;");
    await first;
    const second = one.suggest(placeAt("yy = │\n"), "invoked", never);
    await turn();
    one.forgetAll();
    assert.equal(asked[1]!.signal.aborted, false);
    asked[1]!.end("2;");
    assert.equal(await second, "2;");
    void one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    assert.equal(asked.length, 3);
  });

  it("forgets what was made for a document when its mask changes, but gives what somebody waits for", async () => {
    const { suggester: one, asked } = suggester();
    const first = one.suggest(placeAt("x = │\n"), "invoked", never);
    const other = placeAt("x = │\n", "typescript", "b");
    await turn();
    asked[0]!.end("1;");
    await first;
    const elsewhere = one.suggest(other, "invoked", never);
    await turn();
    asked[1]!.end("b;");
    await elsewhere;
    const waiting = one.suggest(placeAt("yy = │\n"), "invoked", never);
    await turn();
    one.outdate("a");
    asked[2]!.end("2;");
    assert.equal(await waiting, "2;");
    assert.equal(await one.suggest(other, "automatic", never), "b;");
    for (const text of ["x = │\n", "yy = │\n"]) {
      const asks = asked.length;
      void one.suggest(placeAt(text), "automatic", never);
      await turn();
      assert.equal(asked.length, asks + 1, `${text} is asked for anew`);
    }
  });

  it("stops what it generates ahead in a document whose mask changes", async () => {
    const { suggester: one, asked } = suggester({ goesAhead: () => true });
    const answer = one.suggest(placeAt("f(│)\nend\n"), "invoked", never);
    await turn();
    asked[0]!.end("a);");
    await answer;
    await turn();
    one.outdate("b");
    assert.equal(asked[1]!.signal.aborted, false);
    one.outdate("a");
    assert.equal(asked[1]!.signal.aborted, true);
  });

  it("forgets a document that is closed, and stops its generation", async () => {
    const { suggester: one, asked } = suggester();
    const answer = one.suggest(placeAt("x = │\n"), "invoked", never);
    await turn();
    one.forget("a");
    assert.equal(asked[0]!.signal.aborted, true);
    assert.equal(await answer, undefined);
  });

  describe("of a block that takes long", () => {
    const BLOCK = "function f() {│\n}\n";
    const WHOLE = "\n  a();\n  b();\n  c();";

    async function early(): Promise<{ one: Suggester; asked: Asked[]; longer: Place[] }> {
      const longer: Place[] = [];
      const { suggester: one, asked } = suggester({ onLonger: (place) => longer.push(place) });
      const answer = one.suggest(placeAt(BLOCK), "invoked", never);
      await turn();
      asked[0]!.write("\n  a();\n  b");
      assert.equal(await answer, "\n  a();");
      return { one, asked, longer };
    }

    it("tells once that all of it is there, and then gives it", async () => {
      const { one, asked, longer } = await early();
      asked[0]!.write(WHOLE.slice(0, -3));
      await turn();
      assert.deepEqual(longer, []);
      asked[0]!.end(WHOLE);
      await turn();
      assert.deepEqual(longer, [placeAt(BLOCK)]);
      assert.equal(await one.suggest(placeAt(BLOCK), "invoked", never), WHOLE);
      assert.equal(asked.length, 1);
    });

    it("tells it where one has typed along to", async () => {
      const { one, asked, longer } = await early();
      const typed = placeAt("function f() {\n  a│\n}\n");
      one.moved([typed]);
      assert.equal(await one.suggest(typed, "automatic", never), "();");
      asked[0]!.end(WHOLE);
      await turn();
      assert.deepEqual(longer, [typed]);
    });

    it("tells it where one has come back to, and gives it there also when it was ready meanwhile", async () => {
      const typed = placeAt("function f() {\n  a│\n}\n");
      for (const readyMeanwhile of [false, true]) {
        const { one, asked, longer } = await early();
        one.moved([typed]);
        assert.equal(await one.suggest(typed, "automatic", never), "();");
        one.moved([placeAt(BLOCK)]);
        await turn();
        if (readyMeanwhile) {
          asked[0]!.end(WHOLE);
          await turn();
          assert.equal(await one.suggest(placeAt(BLOCK), "automatic", never), WHOLE);
          continue;
        }
        assert.equal(await one.suggest(placeAt(BLOCK), "automatic", never), "\n  a();");
        asked[0]!.end(WHOLE);
        await turn();
        assert.deepEqual(longer, [placeAt(BLOCK)]);
        assert.equal(await one.suggest(placeAt(BLOCK), "automatic", never), WHOLE);
      }
    });

    it("says nothing to someone who has gone on or away", async () => {
      const gone = await early();
      gone.one.cancel();
      gone.asked[0]!.end(WHOLE);
      const other = await early();
      other.one.moved([placeAt("function f() {\n  x│\n}\n")]);
      other.asked[0]!.end(WHOLE);
      await turn();
      assert.deepEqual([...gone.longer, ...other.longer], []);
    });
  });
});
