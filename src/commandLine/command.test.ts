import assert from "node:assert/strict";
import { commandHelp, parseCommand, type CommandSpec } from "./command";
import { UsageError } from "./errors";

const SPEC: CommandSpec = {
  name: "greet",
  usage: "greet NAME [--times N] [--loud]",
  summary: "Greets someone.",
  options: { times: { value: "N", help: "how often" }, loud: { help: "in capitals" } },
  examples: ["lacuna greet you"],
};

describe("command line", () => {
  it("reads positionals, values and switches", () => {
    const args = parseCommand(SPEC, ["you", "--times", "3", "--loud"]);
    assert.deepEqual(args.positionals, ["you"]);
    assert.equal(args.integer("times", 1, 1, 9), 3);
    assert.equal(args.flag("loud"), true);
    assert.equal(args.flag("json"), false);
  });

  it("falls back to defaults", () => {
    assert.equal(parseCommand(SPEC, []).integer("times", 1, 1, 9), 1);
    assert.equal(parseCommand(SPEC, []).text("times"), undefined);
  });

  it("refuses numbers out of range, fractions and words", () => {
    for (const word of ["0", "10", "1.5", "many", ""]) {
      assert.throws(() => parseCommand(SPEC, ["--times", word]).integer("times", 1, 1, 9), UsageError, word);
    }
  });

  it("refuses unknown options and missing values in one line that names the help", () => {
    for (const words of [["--fast"], ["--times"], ["--loud=yes"]]) {
      assert.throws(
        () => parseCommand(SPEC, words),
        (error) => error instanceof UsageError && /^[^\n]* See `lacuna greet --help`\.$/.test(error.message),
      );
    }
  });

  it("shows every option in its help", () => {
    const help = commandHelp(SPEC);
    for (const text of [
      "Greets someone.",
      "Usage: lacuna greet NAME",
      "--times N",
      "how often",
      "--json",
      "lacuna greet you",
    ]) {
      assert.ok(help.includes(text), text);
    }
  });
});
