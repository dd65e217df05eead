// Fields for schemas that are objects, or a choice of words and objects: a choice, and the fields of the chosen object.

import { h } from "./dom.js";
import { field } from "./fields.js";
import { label } from "./format.js";
import { given, variants } from "./schema.js";

// A field as `field` returns it, with `all()`: itself and the fields inside it.
export function anyField(book, schema, document, loc, { required = false } = {}) {
  const known = variants(schema, document);
  if (known.length === 0) {
    const one = field(book, schema, loc, { required });
    return Object.assign(one, { all: () => [one] });
  }
  return known.length === 1 && required ? inside(book, known[0].schema, document, loc) : choice(book, schema, known, document, loc, required);
}

function choice(book, schema, known, document, loc, required) {
  const words = { enum: known.map((one) => one.name), description: schema.description };
  const chosen = field(book, words, loc, { required });
  const box = h("div");
  let parts = null;

  function open() {
    if (parts) book.remove(parts.all());
    const object = known.find((one) => one.name === chosen.value())?.schema;
    parts = object ? inside(book, object, document, loc) : null;
    box.replaceChildren(...(parts ? [parts.element] : []));
  }

  chosen.input.addEventListener("change", open);
  open();
  return {
    ...chosen,
    element: h("div", { class: "union" }, chosen.element, box),
    all: () => [chosen, ...(parts?.all() ?? [])],
    value: () => (parts ? parts.value() : chosen.value()),
    set(value) {
      const fits = typeof value === "string" ? (one) => !one.schema && one.name === value : (one) => one.schema && (one.type ?? value.type) === value.type;
      chosen.set(known.find(fits)?.name);
      open();
      parts?.set(value);
    },
    check: () => [...chosen.check(), ...(parts?.check() ?? [])],
  };
}

// The fields of an object. A constant `type` is part of the value, and no field.
function inside(book, schema, document, loc) {
  const { type, ...properties } = schema.properties;
  const required = new Set(schema.required);
  const at = (name) => () => [...loc(), name];
  const fields = new Map(Object.entries(type?.const ? properties : schema.properties).map(([name, one]) => [name, anyField(book, given(one, document), document, at(name), { required: required.has(name) })]));
  const [first] = fields.values();
  return {
    element: h("div", { class: "inside", role: "group", "aria-label": label(loc().at(-1)) }, [...fields.values()].map((one) => one.element)),
    input: first.input,
    words: first.words,
    loc,
    all: () => [...fields.values()].flatMap((one) => one.all()),
    value() {
      const values = [...fields].map(([name, one]) => [name, one.value()]).filter(([, value]) => value !== undefined);
      return { ...(type?.const ? { type: type.const } : {}), ...Object.fromEntries(values) };
    },
    set(value) {
      for (const [name, one] of fields) if (value[name] !== undefined && value[name] !== null) one.set(value[name]);
    },
    check: () => [...fields.values()].flatMap((one) => one.check()),
  };
}
