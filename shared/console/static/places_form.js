// The destinations of a new backfill: a form for each kind in the OpenAPI document.

import { h } from "./dom.js";
import { kind } from "./format.js";
import { given, kinds } from "./schema.js";
import { anyField } from "./union.js";

const MOST = 10;

export function placesForm(book, document) {
  const known = kinds(document);
  const made = [];
  const list = h("ol", { class: "forms" });
  const select = h("select", { id: "new-kind" }, known.map((one) => h("option", { value: one.type }, kind(one.type))));
  const add = h("button", { type: "button", onclick: () => append(select.value).first.focus() }, "Add destination");
  const whole = h("p", { class: "fault", role: "alert", hidden: true });
  const element = h(
    "div",
    { class: "stack" },
    whole,
    list,
    h("div", { class: "adder" }, h("div", {}, h("label", { for: "new-kind" }, "Kind of destination"), select), add),
  );
  // The whole list, for faults that belong to no single destination.
  book.add({
    loc: () => ["destinations"],
    input: select,
    words: "Destinations",
    tell(message) {
      whole.textContent = message;
      whole.hidden = !message;
    },
  });

  const all = (one) => [...one.fields.values()].flatMap((made_) => made_.all());

  function append(type, values = {}) {
    const { schema } = known.find((one) => one.type === type) ?? known[0];
    const one = {};
    const where = (name) => () => ["destinations", made.indexOf(one), name];
    const names = Object.keys(schema.properties).filter((name) => name !== "type");
    const required = new Set(schema.required);
    // Required fields first, the others collapsed.
    one.fields = new Map(names.map((name) => [name, anyField(book, given(schema.properties[name], document), document, where(name), { required: required.has(name) })]));
    for (const [name, made_] of one.fields) if (values[name] !== undefined) made_.set(values[name]);
    const first = names.filter((name) => required.has(name)).map((name) => one.fields.get(name).element);
    const more = names.filter((name) => !required.has(name));
    const open = more.some((name) => values[name] !== undefined && values[name] !== null);
    const title = h("legend", {}, kind(schema.properties.type.const));
    const remove = h("button", { type: "button", class: "plain", "aria-label": `Remove ${kind(type)}` }, "Remove");
    one.type = schema.properties.type.const;
    one.first = one.fields.get(names[0]).input;
    one.element = h(
      "li",
      { class: "card" },
      h(
        "fieldset",
        {},
        title,
        schema.description ? h("p", { class: "quiet" }, schema.description.replaceAll("``", "")) : null,
        remove,
        h("div", { class: "form" }, first),
        more.length ? h("details", { open }, h("summary", {}, "More settings"), h("div", { class: "form" }, more.map((name) => one.fields.get(name).element))) : null,
      ),
    );
    remove.addEventListener("click", () => {
      book.remove(all(one));
      made.splice(made.indexOf(one), 1);
      one.element.remove();
      add.disabled = made.length >= MOST;
      add.focus();
    });
    made.push(one);
    list.append(one.element);
    add.disabled = made.length >= MOST;
    return one;
  }

  return {
    element,
    fields: () => made.flatMap(all),
    value() {
      return made.map((one) => {
        const values = [...one.fields].map(([name, made_]) => [name, made_.value()]);
        return { type: one.type, ...Object.fromEntries(values.filter(([, value]) => value !== undefined)) };
      });
    },
    set(destinations) {
      for (const one of destinations) append(one.type, one);
    },
    check() {
      if (!made.length) return [{ loc: ["body", "destinations"], msg: "Add a destination." }];
      return made.flatMap((one) => [...one.fields.values()].flatMap((made_) => made_.check()));
    },
    // A field in a collapsed section cannot get the focus.
    unfold(input) {
      const folded = input.closest("details");
      if (folded) folded.open = true;
    },
  };
}

