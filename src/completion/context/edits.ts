import { identityOf } from "./chunk";

/** One change of a document, in lines from 0, LF only. */
export interface LineEdit {
  /** Tells the file from others; absent: its path does. */
  readonly file?: string;
  readonly path: string;
  readonly line: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** Edits that are further apart than this are told apart. */
const SAME_PLACE = 3;
const MAX_EDITS = 24;

/** What was changed lately, as unified diffs: typing in one place is one edit. */
export class EditLog {
  private edits: readonly LineEdit[] = [];

  /** @param edit whole lines, as they were and as they are */
  record(edit: LineEdit): void {
    const last = this.edits.at(-1);
    const merged = last === undefined ? undefined : merge(last, edit);
    const next = merged ?? edit;
    const changes = next.removed.join("\n") !== next.added.join("\n");
    const before = merged === undefined ? this.edits : this.edits.slice(0, -1);
    this.edits = changes ? [...before, next].slice(-MAX_EDITS) : before;
  }

  /** Forgets files for which `gone` holds. */
  forget(gone: (path: string) => boolean): void {
    this.edits = this.edits.filter(({ path }) => !gone(path));
  }

  /** The newest edits as unified diffs, oldest first, at most `budget` characters; `except`: where one is typing now. */
  diff(budget: number, except?: { readonly file: string; readonly line: number }): string {
    const hunks: string[] = [];
    let left = budget;
    for (const edit of this.edits.toReversed()) {
      const here =
        except?.file === identityOf(edit) &&
        except.line >= edit.line - SAME_PLACE &&
        except.line <= edit.line + edit.added.length + SAME_PLACE;
      const text = hunk(edit);
      if (here || text.length > left) {
        continue;
      }
      left -= text.length + 1;
      hunks.unshift(text);
    }
    return hunks.join("\n");
  }
}

function hunk({ path, line, removed, added }: LineEdit): string {
  const range = (count: number): string => `${line + (count === 0 ? 0 : 1)},${count}`;
  return [
    `--- ${path}`,
    `+++ ${path}`,
    `@@ -${range(removed.length)} +${range(added.length)} @@`,
    ...removed.map((text) => `-${text}`),
    ...added.map((text) => `+${text}`),
  ].join("\n");
}

/** Two edits in a row as one, when the second is within what the first has written. */
function merge(a: LineEdit, b: LineEdit): LineEdit | undefined {
  const start = b.line - a.line;
  const end = start + b.removed.length;
  if (identityOf(a) !== identityOf(b) || start < 0 || end > a.added.length) {
    return undefined;
  }
  return { ...a, added: [...a.added.slice(0, start), ...b.added, ...a.added.slice(end)] };
}
