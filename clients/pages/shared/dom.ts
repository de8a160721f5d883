// The page's few ways to touch the document. Text only ever enters as text.

/** An element of the page by its id, of the expected kind. */
export function byId<T extends Element>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} called ${id}.`);
  return found;
}

/** Makes an element. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<Record<"className" | "textContent" | "type" | "title", string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Makes an SVG element. */
export function makeSvg(tag: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text) element.textContent = text;
  return element;
}

/** Makes a button with a visible word and a full name for screen readers. */
export function makeButton(word: string, name: string, action: () => void): HTMLButtonElement {
  const button = make("button", { type: "button", textContent: word });
  button.setAttribute("aria-label", name);
  button.addEventListener("click", action);
  return button;
}

/** Tells screen readers. */
export function announce(text: string): void {
  byId("announcer", HTMLElement).textContent = text;
}
