const MEANINGFUL = /[\p{L}\p{N}_].*[\p{L}\p{N}_]/u;
/** Lines that close something by a word or a tag. */
const CLOSING = /^(?:#\s*endif|end[;,)]*|fi|done|esac|;;|<\/[\w:.-]+>)$/;

/** Whether a line says something of its own: lines like `}`, `});`, `end` or `</li>` repeat rightly. */
export const saysSomething = (line: string): boolean => MEANINGFUL.test(line) && !CLOSING.test(line.trim());
