/** The element for `selector`; the page has it. */
export function element(selector: string, within: ParentNode = document): HTMLElement {
  const found = within.querySelector<HTMLElement>(selector);
  if (found === null) {
    throw new Error(`the page has no ${selector}`);
  }
  return found;
}

/** A new element with text and attributes. */
export function make(tag: string, text = "", attributes: Readonly<Record<string, string>> = {}): HTMLElement {
  const created = document.createElement(tag);
  created.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    created.setAttribute(name, value);
  }
  return created;
}

/** A colour of the theme. */
export const themeColor = (name: string, fallback: string): string =>
  getComputedStyle(document.body).getPropertyValue(`--vscode-${name}`).trim() || fallback;
