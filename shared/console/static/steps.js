// The fields of each step of a new backfill, and the request body that they form.

import { h } from "./dom.js";
import { field } from "./fields.js";
import { duration, time } from "./format.js";
import { Digits } from "./json.js";
import { facts } from "./parts.js";
import { placesForm } from "./places_form.js";
import { given, resolve } from "./schema.js";

const PLACED = new Set(["job_name", "table", "backfill_window", "filter", "columns", "destinations"]);
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

// Returns `[{ name, title, element, fields(), check() }]` with `read()` and `write(body)` for all of them.
export function steps(book, document) {
  const schema = document.components.schemas.CreateBackfill;
  const of = (name) => given(schema.properties[name], document);
  const name = field(book, of("job_name"), () => ["job_name"], { required: true, name: "Name", hint: "For people: 1 to 200 characters." });
  const table = field(book, of("table"), () => ["table"], { required: true, placeholder: "base.assets.erc20_token_transfers" });
  const window = windowFields(book, document);
  const filter = filterFields(book);
  const columns = field(book, {}, () => ["columns"], { kind: "lines", placeholder: "block_timestamp\ntoken_address\namount as value", hint: "The table's columns in the order of the rows' fields, `column` or `column as name`. Empty: all columns." });
  const places = placesForm(book, document);
  const options = Object.keys(schema.properties).filter((one) => !PLACED.has(one));
  const more = new Map(options.map((one) => [one, field(book, of(one), () => [one])]));
  const plain = (list) => ({ fields: () => list, check: () => list.flatMap((one) => one.check()) });
  const all = [
    { name: "table", title: "Table", element: form(name.element, table.element), ...plain([name, table]) },
    { name: "window", title: "Window", element: window.element, fields: () => window.fields, check: window.check },
    { name: "filter", title: "Filter", element: filter.element, fields: () => filter.fields, check: filter.check },
    { name: "columns", title: "Columns", element: form(columns.element), ...plain([columns]) },
    {
      name: "destinations",
      title: "Destinations",
      element: h("div", { class: "stack" }, places.element, h("details", {}, h("summary", {}, "Options of the whole job"), form(...[...more.values()].map((one) => one.element)))),
      fields: () => [...places.fields(), ...more.values()],
      check: () => [...places.check(), ...[...more.values()].flatMap((one) => one.check())],
      unfold: places.unfold,
    },
  ];

  function read() {
    return {
      job_name: name.value(),
      table: table.value(),
      backfill_window: window.value(),
      filter: filter.value(),
      columns: columns.value()?.map(column),
      destinations: places.value(),
      ...Object.fromEntries([...more].map(([one, made]) => [one, made.value()])),
    };
  }

  function write(body) {
    name.set(body.job_name);
    table.set(body.table);
    window.set(body.backfill_window ?? {});
    filter.set(body.filter);
    columns.set(body.columns?.map((one) => (typeof one === "string" ? one : `${one.column} as ${one.as}`)));
    places.set(body.destinations ?? []);
    for (const [one, made] of more) made.set(body[one]);
  }

  return { all, read, write };
}

function form(...elements) {
  return h("div", { class: "form" }, elements);
}

function column(line) {
  const found = /^(\S+)\s+as\s+(\S+)$/i.exec(line);
  return found ? { column: found[1], as: found[2] } : line;
}

function windowFields(book, document) {
  const schema = resolve({ $ref: "#/components/schemas/BackfillWindow" }, document);
  const where = (name) => () => ["backfill_window", name];
  const by = field(book, given(schema.properties.partition_key, document), where("partition_key"), { required: true, name: "By", hint: "" });
  const bound = (name, words, hint) => {
    const one = given(schema.properties[name], document);
    // A table with blocks has times or numbers as bounds; the service distinguishes them.
    return field(book, one.anyOf ? {} : one, where(name), { required: true, kind: "text", name: words, hint, placeholder: "2026-03-01T00:00:00" });
  };
  const start = bound("start", "From", "The first moment of the window, in UTC.");
  const end = bound("end", "To", "The first moment after the window; the window excludes it.");
  const told = h("div", { role: "status" });
  const fields = [by, start, end];
  const number = (text) => (by.value() === "block" && /^\d{1,15}$/.test(text ?? "") ? Number(text) : text);

  function tell() {
    const [from, to] = [start, end].map((one) => moment(one.value()));
    const known = by.value() !== "block" && from && to && from < to;
    const shown = known && [["From", time(from.toISOString())], ["To", time(to.toISOString())], ["Length", duration((to - from) / 1000)]];
    told.replaceChildren(...(known ? [facts(shown, "facts across")] : []));
  }

  for (const one of fields) one.input.addEventListener("input", tell);
  // With only one possible value the field is not shown.
  by.element.hidden = by.input.options.length === 1;
  return {
    element: h("div", { class: "stack" }, form(by.element, start.element, end.element), told),
    fields,
    value: () => ({ partition_key: by.value(), start: number(start.value()), end: number(end.value()) }),
    set(window) {
      by.set(window.partition_key ?? by.input.options[0].value);
      start.set(window.start);
      end.set(window.end);
      tell();
    },
    check() {
      const faults = fields.flatMap((one) => one.check());
      const [from, to] = [start, end].map((one) => moment(one.value()));
      const turned = !faults.length && by.value() !== "block" && from && to && from >= to;
      return turned ? [{ loc: ["body", "backfill_window", "end"], msg: "The end must be after the start." }] : faults;
    },
  };
}

function moment(text) {
  const written = String(text ?? "").trim().replace(" ", "T");
  const zoned = /(Z|[+-]\d\d(:?\d\d)?)$/i.test(written.slice(10)) ? written : written.length > 10 ? `${written}Z` : written;
  const found = new Date(zoned);
  return Number.isNaN(found.getTime()) ? null : found;
}

function filterFields(book) {
  const column = field(book, {}, () => ["filter", "column"], { kind: "text", name: "Column", placeholder: "token_address", hint: "Leave it empty to select the whole window." });
  const type = field(book, { enum: ["text", "number", "boolean"] }, () => ["filter", "type"], { required: true, name: "Type of its values", hint: "Times are text, binaries text in hex." });
  const values = field(book, {}, () => ["filter", "values"], { kind: "lines", name: "Values", hint: "Selects rows with one of these values." });
  const fields = [column, type, values];

  function read(text) {
    if (type.value() === "text") return text;
    if (type.value() === "boolean") {
      if (/^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
      throw new Error(`${text} is neither true nor false.`);
    }
    if (!NUMBER.test(text)) throw new Error(`${text} is not a number.`);
    return /^-?\d{1,15}$/.test(text) ? Number(text) : new Digits(text);
  }

  const value = () => (column.value() || values.value() ? { column: column.value(), values: values.value()?.map(read) } : undefined);
  return {
    element: form(...fields.map((one) => one.element)),
    fields,
    value,
    set(filter) {
      column.set(filter?.column);
      values.set(filter?.values);
      const first = filter?.values?.[0];
      type.set(typeof first === "boolean" ? "boolean" : typeof first === "number" || first instanceof Digits ? "number" : "text");
    },
    check() {
      const told = (name, msg) => [{ loc: ["body", "filter", name], msg }];
      if (values.value() && !column.value()) return told("column", "Enter the column that has these values.");
      if (column.value() && !values.value()) return told("values", "Enter the values to select.");
      try {
        value();
      } catch (error) {
        return told("values", error.message);
      }
      return [];
    },
  };
}
