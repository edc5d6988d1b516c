import assert from "node:assert/strict";
import { mock } from "node:test";
import { LongerSuggestions, type Screen } from "./longerSuggestions";
import type { Place } from "./place";
import { placeAt } from "./testing";

const SHORT = "f() {";
const LONG = "f() {\n  g();\n}";
const HERE = placeAt("x = │\n");

/**
 * VS Code's rules for inline suggestions, as of 1.139: an explicit request keeps what is shown before what it brings, an automatic one does not; "next"
 * asks explicitly, goes one further among what there is then, whatever has become of its request, and runs only while something is shown. A new request
 * ends the one under way. What it is told reaches it when the test says so.
 */
class Editor implements Screen {
  place = HERE;
  private items: string[] = [];
  private selected = 0;
  private visible = false;
  private told: (() => void)[] = [];
  private request: { readonly explicit: boolean; readonly then: () => void } | undefined;
  asks = 0;

  constructor(private readonly provide: () => string) {}

  get shown(): string | undefined {
    return this.visible ? this.items[this.selected] : undefined;
  }

  isAt(place: Place): boolean {
    return place.offset === this.place.offset && place.prefix === this.place.prefix;
  }

  askIfShown(): void {
    this.told.push(() => {
      if (this.visible && this.items.length > 0) {
        this.ask(true, () => (this.selected = (this.selected + 1) % this.items.length));
      }
    });
  }

  replace(): void {
    this.told.push(() => {
      this.visible = true;
      this.ask(false);
    });
  }

  ask(explicit: boolean, then: () => void = () => undefined): void {
    this.request?.then();
    this.request = { explicit, then };
  }

  dismiss(): void {
    this.visible = false;
    this.items = [];
    this.request = undefined;
  }

  /** Does what it has been told so far. */
  obey(): void {
    const { told } = this;
    this.told = [];
    told.forEach((what) => what());
  }

  /** The provider answers what is asked now. */
  answer(): void {
    const { request } = this;
    if (request !== undefined) {
      this.asks++;
      const given = this.provide();
      this.request = undefined;
      const kept = request.explicit ? this.shown : undefined;
      this.items = [...new Set([...(kept === undefined ? [] : [kept]), given])];
      this.selected = 0;
      this.visible = true;
      request.then();
    }
  }

  /** All there is to do, in the order in which a quick editor does it. */
  settle(): void {
    for (let i = 0; i < 5; i++) {
      this.obey();
      this.answer();
    }
  }
}

function showing(): { editor: Editor; longer: LongerSuggestions; become: (text: string) => void } {
  let text = SHORT;
  const editor: Editor = new Editor(() => {
    longer.given(editor.place);
    return text.slice(editor.place.offset - HERE.offset);
  });
  const longer = new LongerSuggestions(editor);
  const become = (now: string): void => void (text = now);
  editor.ask(false);
  return { editor, longer, become };
}

describe("LongerSuggestions", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  it("puts all of a suggestion in the place of what is shown of it", () => {
    const { editor, longer, become } = showing();
    editor.settle();
    assert.equal(editor.shown, SHORT);
    become(LONG);
    longer.wanted(HERE);
    editor.settle();
    assert.equal(editor.shown, LONG);
    mock.timers.tick(60_000);
    editor.settle();
    assert.equal(editor.asks, 3, "it is left alone after that");
  });

  for (const times of [2, 3, 4, 5, 10]) {
    it(`does so in an editor that hears of it ${times} times at once`, () => {
      const { editor, longer, become } = showing();
      editor.settle();
      become(LONG);
      longer.wanted(HERE);
      for (let i = 1; i < times; i++) {
        mock.timers.tick(200);
      }
      editor.settle();
      assert.equal(editor.shown, LONG);
    });

    it(`does so in an editor that shows nothing until it has been told ${times - 1} times`, () => {
      const { editor, longer, become } = showing();
      become(SHORT);
      longer.wanted(HERE);
      for (let i = 1; i < times - 1; i++) {
        mock.timers.tick(200);
        editor.obey();
      }
      editor.answer();
      become(LONG);
      mock.timers.tick(200);
      editor.settle();
      assert.equal(editor.shown, LONG);
    });
  }

  it("does so when its own request ends that of the editor", () => {
    const { editor, longer, become } = showing();
    editor.settle();
    become(LONG);
    longer.wanted(HERE);
    editor.obey();
    longer.given(HERE); // answered, but the answer does not get there in time
    editor.settle();
    assert.equal(editor.shown, LONG);
  });

  it("leaves what has been dismissed", () => {
    const { editor, longer, become } = showing();
    editor.settle();
    editor.dismiss();
    become(LONG);
    longer.wanted(HERE);
    for (let i = 0; i < 20; i++) {
      editor.settle();
      mock.timers.tick(200);
    }
    assert.equal(editor.shown, undefined);
    assert.equal(editor.asks, 1);
  });

  it("asks where one has typed along to, and nowhere else", () => {
    const { editor, longer, become } = showing();
    editor.settle();
    editor.place = placeAt("x = f│\n");
    become(LONG);
    longer.wanted(HERE);
    editor.settle();
    assert.equal(editor.asks, 1, "the editor will ask by itself");
    editor.ask(true); // as when a word has been accepted
    editor.settle();
    assert.equal(editor.shown, LONG.slice(1));
  });
});
