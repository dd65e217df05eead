// The receipt: what Snowflake unloaded, what each destination has, and whether the two agree.

import { h, hold, say } from "./dom.js";
import { bytes, whole } from "./format.js";
import { facts } from "./parts.js";

const SHOWN_SKIPPED = 50;

export function receipt() {
  const unloaded = h("div");
  const balance = h("p", { class: "balance" });
  const table = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Rows of each destination" });
  const skipped = h("div");
  const element = h(
    "div",
    { class: "columns" },
    h("section", { class: "card", "aria-labelledby": "unload-title" }, h("h2", { id: "unload-title" }, "Snowflake"), unloaded),
    h("section", { class: "card", "aria-labelledby": "receipt-title" }, h("h2", { id: "receipt-title" }, "Receipt"), balance, table, skipped),
  );
  let known = "";
  return {
    element,
    update(job, found) {
      const told = JSON.stringify(found);
      if (told === known) return;
      known = told;
      const { unload } = found;
      unloaded.replaceChildren(facts([
        ["Query", unload.query_id ? h("code", {}, unload.query_id) : "not recorded"],
        ["Rows", whole(unload.rows)],
        ["Chunks", whole(unload.chunks)],
        ["Staged files", unload.bytes === null ? "not recorded" : bytes(unload.bytes)],
        ["Columns", job.columns ? whole(job.columns.length) : "all of the table's"],
      ]));
      const open = job.status === "transporting";
      balance.className = `balance ${found.balanced ? "yes" : open ? "" : "no"}`;
      const short = open ? "Open: not all rows have arrived yet." : "The receipt does not balance: some destination lacks rows.";
      say(balance, found.balanced ? "The receipt balances: every destination has every unloaded row, or names the skipped ones." : short);
      table.replaceChildren(rows(found));
      hold(skipped, found.destinations.filter((one) => one.skipped?.length).map(leftOut));
    },
  };
}

function rows({ unload, destinations }) {
  const head = ["Destination", "Delivered", "Skipped", "Missing", "Chunks"];
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, head.map((name, place) => h("th", { scope: "col", class: place ? "number" : null }, name)))),
    h("tbody", {}, destinations.map((one) => {
      const missing = unload.rows - one.rows_delivered - one.rows_skipped;
      const numbers = [one.rows_delivered, one.rows_skipped, missing, one.chunks_delivered];
      return h("tr", {}, h("th", { scope: "row" }, h("bdi", {}, one.name)), numbers.map((number) => h("td", { class: "number" }, whole(number))));
    })),
  );
}

function leftOut(one) {
  const some = one.skipped.slice(0, SHOWN_SKIPPED);
  return h(
    "details",
    {},
    h("summary", {}, `${whole(one.rows_skipped)} rows skipped at `, h("bdi", {}, one.name)),
    h("ul", {}, some.map((row) => h("li", {}, `Chunk ${whole(row.chunk)}, row ${whole(row.row)}: ${bytes(row.bytes)}`, row.limit ? ` of at most ${bytes(row.limit)}` : "", row.key ? [", key ", h("code", {}, row.key)] : null))),
    one.skipped.length > some.length ? h("p", { class: "quiet" }, "The API's receipt lists more.") : null,
  );
}
