// The only place that creates elements: it sets every text as text, and allows only links within the console.

const SVG = "http://www.w3.org/2000/svg";
const OWN_LINK = /^(\/(?!\/)|#)/;

// h("p", { class: "hint", onclick: f, disabled: true }, "text", element, null)
export function h(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

// The same for SVG.
export function s(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (name.startsWith("on") || name === "style" || name === "srcdoc") throw new TypeError(name);
    else if (name === "value") element.value = value;
    else {
      if (name === "href" && !OWN_LINK.test(value)) throw new TypeError("a link that leaves the console");
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Change a text only if it differs, so that screen readers and selections are not disturbed.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

// Set the element's children, without touching those that are already there.
export function hold(element, children) {
  const wanted = children.filter(Boolean);
  for (const child of [...element.childNodes]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, place) => {
    if (element.childNodes[place] !== child) element.insertBefore(child, element.childNodes[place] ?? null);
  });
}

// Announce a text to screen readers.
export function announce(text) {
  say(document.getElementById("announcements"), text);
}

// Text with `code` in backticks, as in the API's descriptions.
export function prose(text) {
  return String(text ?? "")
    .replaceAll("``", "`")
    .split("`")
    .map((part, place) => (place % 2 ? h("code", {}, part) : part));
}
