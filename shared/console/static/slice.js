// The job's request: table, window, filter and options.

import { h } from "./dom.js";
import { label, whole } from "./format.js";
import { facts } from "./parts.js";

const SHOWN_VALUES = 20;
const OPTIONS = ["oversized_rows", "max_parallel_chunks"];

export function slice() {
  const list = h("div");
  const element = h("section", { class: "card", "aria-labelledby": "slice-title" }, h("h2", { id: "slice-title" }, "Request"), list);
  return {
    element,
    update(job) {
      if (list.firstChild) return;
      const by = job.partition_key;
      const unit = by === "block" ? "" : " UTC";
      list.append(facts([
        ["Table", h("code", {}, job.table)],
        ["Window", h("span", {}, h("code", {}, `${job.backfill_start}`), unit, " up to but excluding ", h("code", {}, `${job.backfill_end}`), `${unit}, by `, h("code", {}, by))],
        ["Filter", job.filter_column === null ? "none: the whole window" : filter(job)],
        ["Columns", job.columns ? columns(job.columns) : "all of the table's"],
        ["Fixed addresses", job.static_egress_ip ? "yes" : "no"],
        ...OPTIONS.filter((name) => name in job).map((name) => [label(name), String(job[name])]),
        ["Workflow", h("code", {}, job.workflow_id)],
      ]));
    },
  };
}

function filter(job) {
  const values = job.filter_values ?? [];
  const some = values.slice(0, SHOWN_VALUES);
  return h(
    "span",
    {},
    h("code", {}, job.filter_column),
    values.length === 1 ? " is " : ` is one of ${whole(values.length)}: `,
    some.flatMap((value, place) => [place ? ", " : "", h("code", {}, String(value))]),
    values.length > some.length ? ` and ${whole(values.length - some.length)} more` : "",
  );
}

function columns(chosen) {
  return h("span", {}, chosen.flatMap((one, place) => [
    place ? ", " : "",
    typeof one === "string" ? h("code", {}, one) : h("span", {}, h("code", {}, one.column), " as ", h("code", {}, one.as)),
  ]));
}
