// Form fields, generated from schemas. A field has `element`, `value()` (undefined while empty), `set(value)`,
// `check()` (its faults, in the API's form), and is found in the book by its place in the body.

import { h, prose, say, show } from "./dom.js";
import { label } from "./format.js";
import { Digits, parse, write } from "./json.js";
import { fault, shape } from "./schema.js";

const LINES = { lines: "One per line.", pairs: "One per line, as `name: value`.", json: "As JSON." };

// All fields, and the place where a fault from the API is shown.
export class Book {
  #fields = new Map();
  #number = 0;

  id() {
    this.#number += 1;
    return `field-${this.#number}`;
  }

  add(field) {
    this.#fields.set(field, field.loc);
  }

  remove(fields) {
    for (const field of fields) this.#fields.delete(field);
  }

  clear(fields = this.#fields.keys()) {
    for (const field of fields) field.tell("");
  }

  // Assign each fault to the field nearest to its place; return `[{ field, of, text }]`.
  tell(faults) {
    const found = faults.map((one) => {
      const loc = (one.loc ?? []).filter((part) => part !== "body");
      const field = this.#nearest(loc);
      const inside = field ? loc.slice(field.loc().length) : loc;
      const place = inside.map((part) => (typeof part === "number" ? `item ${part + 1}` : part)).join(", ");
      const of = loc[0] === "destinations" && loc.length > 1 ? `Destination ${loc[1] + 1}, ` : "";
      return { field, of, text: place ? `${place}: ${one.msg}` : one.msg };
    });
    for (const { field } of found) field?.tell(found.filter((one) => one.field === field).map((one) => one.text).join(". "));
    return found;
  }

  #nearest(loc) {
    let best = null;
    for (const [field, where] of this.#fields) {
      const own = where();
      const inside = own.length <= loc.length && own.every((part, place) => part === loc[place]);
      if (inside && (!best || own.length > best.loc().length)) best = field;
    }
    return best;
  }
}

// `loc()` returns the field's current place: an earlier destination may have been removed.
export function field(book, schema, loc, { required = false, name, hint, placeholder, kind = shape(schema), type = "text" } = {}) {
  const id = book.id();
  const words = name ?? label(loc().at(-1));
  const problem = h("p", { class: "fault", id: `${id}-fault`, hidden: true });
  const text = hint ?? schema.description ?? "";
  const hints = [text ? prose(text) : "", LINES[kind] ? prose(`${text ? " " : ""}${LINES[kind]}`) : ""].flat().filter(Boolean);
  const help = h("p", { class: "hint", id: `${id}-hint`, hidden: hints.length === 0 }, hints);
  const described = `${id}-fault ${id}-hint`;
  const common = { id, "aria-describedby": described, "aria-required": required ? "true" : null, autocomplete: "off", spellcheck: "false" };
  const input = control(kind, schema, common, { required, placeholder, type });
  const mark = required ? null : h("span", { class: "quiet optional" }, " optional");
  const caption = h("label", { for: id }, words, kind === "switch" ? null : mark);
  const inner = kind === "switch" ? h("div", { class: "check" }, input, caption) : [caption, input];
  const element = h("div", { class: `field ${kind}` }, inner, problem, help);
  const made = {
    element,
    loc,
    input,
    words,
    tell(message) {
      say(problem, message);
      show(problem, Boolean(message));
      if (message) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    },
    value: () => read(kind, schema, input),
    set: (value) => put(kind, input, value),
    check() {
      const written = kind === "switch" ? "" : input.value.trim();
      const told = (msg) => [{ loc: ["body", ...loc()], msg }];
      if (!written) return required && kind !== "switch" ? told("Fill this in.") : [];
      try {
        made.value();
      } catch (error) {
        return told(error.message);
      }
      const single = kind === "text" || kind === "number" ? fault(schema, written) : "";
      return single ? told(single) : [];
    },
  };
  input.addEventListener("input", () => made.tell(""));
  book.add(made);
  return made;
}

function control(kind, schema, common, { required, placeholder, type }) {
  if (kind === "switch") return h("input", { ...common, type: "checkbox" });
  if (kind === "choice") {
    const values = schema.enum ?? [schema.const];
    const options = values.map((one) => h("option", { value: one }, one));
    return h("select", common, required ? null : h("option", { value: "" }, "Default"), options);
  }
  if (kind === "number") return h("input", { ...common, type: "text", inputmode: "numeric", placeholder });
  if (kind === "text") return h("input", { ...common, type, placeholder });
  return h("textarea", { ...common, rows: 4, placeholder });
}

function read(kind, schema, input) {
  if (kind === "switch") return input.checked || undefined;
  const text = input.value.trim();
  if (!text) return undefined;
  if (kind === "number") return /^-?\d{1,15}$/.test(text) ? Number(text) : /^-?\d+(\.\d+)?$/.test(text) ? new Digits(text) : text;
  if (kind === "lines") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (kind === "pairs") return Object.fromEntries(text.split("\n").filter((line) => line.trim()).map(pair));
  if (kind !== "json") return text;
  try {
    return parse(text);
  } catch {
    throw new Error("This is not JSON.");
  }
}

function pair(line, place) {
  const found = /^\s*([^:]+?)\s*:\s*(.*?)\s*$/.exec(line);
  if (!found) throw new Error(`Line ${place + 1} has no colon between name and value.`);
  return [found[1], found[2]];
}

function put(kind, input, value) {
  if (kind === "switch") input.checked = value === true;
  else if (value === undefined || value === null) input.value = "";
  else if (kind === "lines") input.value = value.join("\n");
  else if (kind === "pairs") input.value = Object.entries(value).map(([name, one]) => `${name}: ${one}`).join("\n");
  else input.value = kind === "json" ? write(value, 2) : String(value);
}
