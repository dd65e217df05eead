// The service's estimate of a backfill.

import { h } from "./dom.js";
import { bytes, label, whole } from "./format.js";
import { write } from "./json.js";
import { facts } from "./parts.js";

const DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumSignificantDigits: 3 });

export function estimated(found) {
  const { cost } = found;
  const range = ({ low, high }) => (low === high ? DOLLARS.format(low) : `${DOLLARS.format(low)} to ${DOLLARS.format(high)}`);
  return h(
    "div",
    { class: "stack" },
    found.warnings.length ? h("div", { class: "notice warning" }, h("h3", {}, "Warnings"), h("ul", { class: "dots" }, found.warnings.map((text) => h("li", {}, text)))) : null,
    h(
      "dl",
      { class: "figures" },
      figure("Rows", whole(found.rows), "exact, at this moment"),
      figure("Chunks", whole(found.chunks), "estimated"),
      figure("As JSON", bytes(found.bytes), "estimated"),
      figure("Cost", range(cost), `list prices of ${cost.prices_of}`),
    ),
    h(
      "details",
      {},
      h("summary", {}, "Parts of the cost"),
      facts(Object.entries(cost.parts).map(([name, part]) => [label(name), range(part)])),
      h("ul", { class: "dots quiet" }, cost.assumptions.map((text) => h("li", {}, text))),
    ),
    found.first_rows.length ? firstRows(found.first_rows) : null,
  );
}

function figure(name, value, note) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, h("span", { class: "big" }, value), h("span", { class: "quiet second" }, note)));
}

function firstRows(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value) => (value === null || value === undefined ? h("span", { class: "quiet" }, "null") : typeof value === "string" ? value : write(value));
  return h(
    "section",
    { "aria-labelledby": "first-rows" },
    h("h3", { id: "first-rows" }, rows.length === 1 ? "One row as delivered" : `${rows.length} rows as delivered`),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": "First rows" },
      h(
        "table",
        { class: "rows" },
        h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, h("code", {}, name))))),
        h("tbody", {}, rows.map((row) => h("tr", {}, names.map((name) => h("td", {}, h("code", {}, cell(row[name]))))))),
      ),
    ),
  );
}
