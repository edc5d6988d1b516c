import assert from "node:assert/strict";
import { Shaper } from "./shaper";
import { placeAt } from "./testing";
import { Trail, type OnTrail } from "./trail";
import { Trails } from "./trails";

const START = "x = 1;\ncall│\nend();";

function trail(start = START): Trail {
  const shaper = new Shaper();
  return new Trail(placeAt(start), shaper, shaper.kind(placeAt(start)));
}

const show = (found: OnTrail): string => (found.kind === "text" ? found.text : `(${found.kind})`);
const at = (on: Trail, text: string): string => show(on.at(placeAt(text)));

describe("Trail", () => {
  it("waits for the end of a statement, and then has it", () => {
    const one = trail();
    assert.equal(at(one, START), "(pending)");
    one.grow("(a, b");
    assert.equal(at(one, START), "(pending)");
    one.grow("(a, b);\nfo");
    assert.equal(at(one, START), "(a, b);");
  });
  it("serves the rest while one types along", () => {
    const one = trail();
    one.grow("(a, b);\nfo");
    assert.equal(at(one, "x = 1;\ncall(a│\nend();"), ", b);");
    assert.equal(at(one, "x = 1;\ncall(│)\nend();"), "a, b);");
  });
  it("follows someone who types faster than the model writes", () => {
    const one = trail();
    one.grow("(");
    assert.equal(at(one, "x = 1;\ncall(a,│\nend();"), "(pending)");
    one.grow("(a, b);\nfo");
    assert.equal(at(one, "x = 1;\ncall(a,│\nend();"), " b);");
  });
  it("ends where all that is left of it stands right of the cursor", () => {
    const one = trail("a = [one,│];\nend();");
    one.finish(" two];", "finished");
    assert.equal(at(one, "a = [one,│];\nend();"), " two];");
    assert.equal(at(one, "a = [one, two│];\nend();"), "");
    const other = trail("a = [one,│]\nend();");
    other.finish(" two];", "finished");
    assert.equal(at(other, "a = [one, two│]\nend();"), "];", "a sign is missing there");
  });
  it("has nothing for someone who types something else", () => {
    const one = trail();
    one.grow("(a, b);\nfo");
    assert.equal(at(one, "x = 1;\ncall[│\nend();"), "(none)");
    assert.equal(at(one, "x = 2;\ncall(│\nend();"), "(none)");
  });
  it("goes on after its first suggestion has been accepted", () => {
    const one = trail();
    one.grow("(a, b);\nfoo();\nba");
    assert.equal(at(one, START), "(a, b);");
    assert.equal(at(one, "x = 1;\ncall(a, b);│\nend();"), "\nfoo();");
    assert.equal(at(one, "x = 1;\ncall(a, b);\n│\nend();"), "foo();");
    assert.equal(at(one, "x = 1;\ncall(a, b);\nfoo();│\nend();"), "(pending)");
    one.finish("(a, b);\nfoo();\nbar()", "finished");
    assert.equal(at(one, "x = 1;\ncall(a, b);\nfoo();│\nend();"), "\nbar()");
    assert.equal(at(one, "x = 1;\ncall(a, b);\nfoo();\nbar()│\nend();"), "(none)");
  });
  it("does not go on with what was cut off", () => {
    const one = trail();
    one.finish("(a, b);\nfoo(c, d", "cut");
    assert.equal(at(one, START), "(a, b);");
    assert.equal(at(one, "x = 1;\ncall(a, b);│\nend();"), "(none)");
  });
  it("keeps what was whole when it was stopped, and nothing else", () => {
    const one = trail();
    one.finish("(a, b);\nfoo(c", "stopped");
    assert.equal(at(one, START), "(a, b);");
    const other = trail();
    other.finish("(a, ", "stopped");
    assert.equal(at(other, START), "(none)");
  });
  it("shows what is whole of a long block early, and goes on from there", () => {
    const place = "function f() {│\n}\n";
    const one = trail(place);
    one.grow("\n  a();");
    assert.equal(one.hasLine(placeAt(place)), false);
    assert.equal(one.early(placeAt(place)), undefined);
    one.grow("\n  a();\n  b");
    assert.equal(one.hasLine(placeAt(place)), true);
    assert.equal(one.early(placeAt(place)), "\n  a();");
    one.grow("\n  a();\n  b();\n  c();\n");
    assert.equal(at(one, place), "\n  a();", "what is on the screen stays as it is");
    assert.equal(at(one, "function f() {\n  a();│\n}\n"), "\n  b();");
  });
  it("makes what was shown early longer once the block is there, and serves that on the way", () => {
    const place = "function f() {│\n}\n";
    const one = trail(place);
    one.grow("\n  a();\n  b");
    assert.equal(one.showsEarly(placeAt(place)), false, "nothing was shown");
    assert.equal(one.early(placeAt(place)), "\n  a();");
    assert.equal(at(one, place), "\n  a();");
    assert.equal(one.showsEarly(placeAt("function f() {\n  a│\n}\n")), true);
    one.grow("\n  a();\n  b();\n  c();\n}\n");
    assert.equal(at(one, "function f() {\n  a│\n}\n"), "();\n  b();\n  c();");
    assert.equal(at(one, place), "\n  a();\n  b();\n  c();");
    assert.equal(at(one, "function f() {\n  a();│\n}\n"), "\n  b();\n  c();");
    assert.equal(one.showsEarly(placeAt(place)), false, "it becomes no longer");
  });
  it("does not make longer what has been gone on from, or what says no more at its end", () => {
    const place = "function f() {│\n}\n";
    const next = "function f() {\n  a();│\n}\n";
    const accepted = trail(place);
    accepted.grow("\n  a();\n  b");
    accepted.early(placeAt(place));
    accepted.grow("\n  a();\n  b();\n  c");
    assert.equal(accepted.showsEarly(placeAt(next)), false);
    assert.equal(at(accepted, next), "\n  b();");
    accepted.finish("\n  a();\n  b();\n  c();", "finished");
    assert.equal(at(accepted, place), "\n  a();");
    const stopped = trail(place);
    stopped.grow("\n  a();\n  b");
    stopped.early(placeAt(place));
    stopped.finish("\n  a();", "finished");
    assert.equal(at(stopped, place), "\n  a();");
  });
  it("shows a block to its end while it is typed along, though a typed place is no empty block", () => {
    const one = trail("function f() {│\n}\n");
    one.finish("\n  a();\n  b();", "finished");
    assert.equal(at(one, "function f() {│\n}\n"), "\n  a();\n  b();");
    assert.equal(at(one, "function f() {\n  a│\n}\n"), "();\n  b();");
  });
  it("knows that there is nothing to say", () => {
    const one = trail();
    one.finish("", "finished");
    assert.equal(at(one, START), "");
    assert.equal(at(one, "x = 1;\ncall(│\nend();"), "(none)");
  });
  it("offers nothing after what was cut to fit, which the model would only say again", () => {
    const one = trail("f() {\n  call│\n}\n");
    one.finish("(a, b)]; foo();", "finished");
    assert.equal(at(one, "f() {\n  call│\n}\n"), "(a, b)");
    assert.equal(at(one, "f() {\n  call(a│\n}\n"), ", b)");
    assert.equal(at(one, "f() {\n  call(a, b)│\n}\n"), "");
    assert.equal(at(one, "f() {\n  call(a, b)]│\n}\n"), "(none)");
  });
  it("offers nothing after what was closed to fit", () => {
    const one = trail("x();\ncall│\nend();");
    one.finish("(a, [b", "finished");
    assert.equal(at(one, "x();\ncall│\nend();"), "(a, [b]);");
    assert.equal(at(one, "x();\ncall(a, [b]);│\nend();"), "");
  });
  it("does not go on after a suggestion that was repaired", () => {
    const one = trail("f() {\n\ta();\n\tb();\n\t│\n}\n");
    one.finish("if (c) {\n        d();\n    }\n    e();", "finished");
    assert.equal(at(one, "f() {\n\ta();\n\tb();\n\t│\n}\n"), "if (c) {\n\t\td();\n\t}");
    assert.equal(at(one, "f() {\n\ta();\n\tb();\n\tif (c) {\n\t\t│\n}\n"), "d();\n\t}");
    assert.equal(at(one, "f() {\n\ta();\n\tb();\n\tif (c) {\n\t\td();\n\t}│\n}\n"), "(none)");
  });
  it("agrees with a cursor that is still before it", () => {
    const ahead = trail("call(a);│\nend();");
    assert.equal(ahead.agrees(placeAt("call(│\nend();")), true);
    assert.equal(ahead.agrees(placeAt("call[│\nend();")), false);
  });
});

describe("Trails", () => {
  const said = (text: string, start = START): Trail => {
    const one = trail(start);
    one.finish(text, "finished");
    return one;
  };
  it("prefer the newest answer", () => {
    const trails = new Trails();
    trails.add(said("(a);"));
    trails.add(said("(b);"));
    assert.equal(show(trails.at(placeAt(START))), "(b);");
    assert.equal(show(trails.at(placeAt("x = 1;\ncall(a│\nend();"))), ");");
  });
  it("forget a document, and everything", () => {
    const trails = new Trails();
    trails.add(said("(a);"));
    trails.forget("b");
    assert.equal(show(trails.at(placeAt(START))), "(a);");
    trails.forget("a");
    assert.equal(show(trails.at(placeAt(START))), "(none)");
  });
  it("drop the least recently used beyond their capacity", () => {
    const trails = new Trails(2);
    trails.add(said("1;", "one│"));
    trails.add(said("2;", "two│"));
    trails.at(placeAt("one│"));
    trails.add(said("3;", "three│"));
    assert.equal(show(trails.at(placeAt("two│"))), "(none)");
    assert.equal(show(trails.at(placeAt("one│"))), "1;");
  });
});
