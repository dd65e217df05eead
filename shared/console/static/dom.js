// Elements are made here alone: every text goes in as text, and links lead nowhere but into the console.

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
      if (name === "href" && !OWN_LINK.test(value)) throw new TypeError("a link out of the console");
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Change a text only where it is another, so that a screen reader and a selection are left alone.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

// Have the element hold these children, leaving alone those that are there already.
export function hold(element, children) {
  const wanted = children.filter(Boolean);
  for (const child of [...element.childNodes]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, place) => {
    if (element.childNodes[place] !== child) element.insertBefore(child, element.childNodes[place] ?? null);
  });
}

// Tell a screen reader.
export function announce(text) {
  say(document.getElementById("announcements"), text);
}

// Text with `code` in backticks, as the API's descriptions have it.
export function prose(text) {
  return String(text ?? "")
    .replaceAll("``", "`")
    .split("`")
    .map((part, place) => (place % 2 ? h("code", {}, part) : part));
}
